#!/usr/bin/env python3
"""Audits a folder of recordings on a Spark cluster with `authtrail audit --worker`.

usage: audit_job.py [--master URL] [--authtrail PROGRAM] --key FILE --output DIR PATH...

Every task starts one worker, hands it paths and takes the lines that it writes. OUTPUT gets what a local audit has: the
journal, in parts, and the six tables as Parquet. PATH, FILE and DIR are seen under the same names by every machine.
"""
import argparse
import json
import os
import subprocess
import sys
import threading

from pyspark.sql import SparkSession, functions as f
from pyspark.sql.types import ArrayType, BooleanType, LongType, StringType, StructField, StructType

# The journal holds times as numbers: microseconds since 1970-01-01T00:00:00Z.
TYPES = {"text": StringType(), "integer": LongType(), "flag": BooleanType(), "texts": ArrayType(StringType()),
         "time": LongType()}


def judged(program, key):
    """A function that turns the paths of a partition into lines of a journal."""
    def of(paths):
        command = [program, "audit", "--worker", "--key", key]
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def feed():
            try:
                for path in paths:
                    worker.stdin.write(os.fsencode(path) + b"\n")
                worker.stdin.close()
            except BrokenPipeError:
                pass  # The worker has ended; its status says why.

        # Both pipes are in use at once: who only writes, or only reads, waits for ever.
        feeder = threading.Thread(target=feed, daemon=True)
        feeder.start()
        for line in worker.stdout:
            yield line.decode().rstrip("\n")
        feeder.join()
        if worker.wait() != 0:
            # Spark tries the task again, here or on another machine.
            raise RuntimeError(f"{' '.join(command)}: exit status {worker.returncode}")
    return of


def tables(program):
    """The tables as the program describes them."""
    return json.loads(subprocess.check_output([program, "query", "--schema", "--format", "json"]))


def row(table):
    """The type of the rows of a table in a line of a journal."""
    return StructType([StructField(column["name"], TYPES[column["type"]]) for column in table["columns"]])


def run(spark, program, key, paths, output):
    """Audits `paths` into `output`."""
    listed = subprocess.check_output([program, "audit", "--list", *paths])
    recordings = [os.fsdecode(path) for path in listed.split(b"\n") if path]
    # Several tasks a core, since recordings differ in size.
    parts = max(1, min(len(recordings), 4 * spark.sparkContext.defaultParallelism))
    lines = spark.sparkContext.parallelize(recordings, parts).mapPartitions(judged(program, key))
    lines.saveAsTextFile(os.path.join(output, "journal"))
    described = tables(program)
    schema = StructType([StructField(table["name"], ArrayType(row(table))) for table in described])
    journal = spark.read.schema(schema).option("mode", "FAILFAST").json(os.path.join(output, "journal"))
    for table in described:
        def column(described):
            value = f.col("row").getField(described["name"])
            return (f.timestamp_micros(value) if described["type"] == "time" else value).alias(described["name"])

        rows = journal.select(f.explode(table["name"]).alias("row")).select([column(c) for c in table["columns"]])
        rows.write.parquet(os.path.join(output, "tables", table["name"]))


def session(master=None):
    """A session that writes times as the local audit does."""
    builder = SparkSession.builder.appName("authtrail audit").config("spark.sql.session.timeZone", "UTC")
    builder = builder.config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    return (builder.master(master) if master else builder).getOrCreate()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--master", help="spark://host:7077, yarn, k8s://...; spark-submit gives it too")
    parser.add_argument("--authtrail", default="authtrail", help="the program, on every machine")
    parser.add_argument("--key", required=True, help="key of the fingerprints, a file of 16 octets or more")
    parser.add_argument("--output", required=True, help="a new folder that every machine can write")
    parser.add_argument("paths", nargs="+", metavar="PATH")
    of = parser.parse_args()
    spark = session(of.master)
    try:
        run(spark, of.authtrail, of.key, of.paths, of.output)
    finally:
        spark.stop()


if __name__ == "__main__":
    sys.exit(main())
