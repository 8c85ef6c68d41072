#!/usr/bin/env python3
"""Audits a folder of recordings on a Spark cluster with `authtrail audit --worker`.

usage: audit_job.py [--master URL] [--authtrail PROGRAM] --key FILE --output DIR PATH...

Every task starts one worker and hands it paths; the worker writes lines of a journal and parts of the tables. OUTPUT gets
what a local audit has: the journal, and the six tables as Parquet. PATH, FILE and DIR are seen under the same names by every
machine.
"""
import argparse
import os
import shutil
import subprocess
import sys
import threading
import uuid

from pyspark.sql import SparkSession


def audited(program, key, attempts):
    """A function that audits the paths of a partition into a folder of its own, and gives the name of that folder."""
    def of(paths):
        folder = os.path.join(attempts, uuid.uuid4().hex)
        os.makedirs(folder)
        command = [program, "audit", "--worker", "--key", key, "-o", folder]
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def feed():
            try:
                for path in paths:
                    worker.stdin.write(os.fsencode(path) + b"\n")
                worker.stdin.close()
            except BrokenPipeError:
                pass  # The worker has ended; its status says why.

        # Both pipes are in use at once: who only writes, or only reads, waits for ever. A task that is killed closes them,
        # and the worker ends.
        feeder = threading.Thread(target=feed, daemon=True)
        feeder.start()
        with open(os.path.join(folder, "journal.jsonl"), "wb") as journal:
            shutil.copyfileobj(worker.stdout, journal)
        feeder.join()
        if worker.wait() != 0:
            # Spark tries the task again, here or on another machine.
            raise RuntimeError(f"{' '.join(command)}: exit status {worker.returncode}")
        yield folder
    return of


def commit(folders, output):
    """Puts what the tasks wrote together; the tables appear when they are whole."""
    tables = os.path.join(output, ".tables.new")
    os.mkdir(tables)
    with open(os.path.join(output, "journal.jsonl"), "wb") as journal:
        for folder in folders:
            with open(os.path.join(folder, "journal.jsonl"), "rb") as lines:
                shutil.copyfileobj(lines, journal)
            # The name of a part comes from the list that its worker got: no two are the same.
            for path, _, names in os.walk(os.path.join(folder, "tables")):
                to = os.path.join(tables, os.path.relpath(path, os.path.join(folder, "tables")))
                os.makedirs(to, exist_ok=True)
                for name in names:
                    os.replace(os.path.join(path, name), os.path.join(to, name))
    os.rename(tables, os.path.join(output, "tables"))


def run(spark, program, key, paths, output):
    """Audits `paths` into `output`."""
    attempts = os.path.join(output, ".attempts")
    os.makedirs(output)
    listed = subprocess.check_output([program, "audit", "--list", *paths])
    recordings = [os.fsdecode(path) for path in listed.split(b"\n") if path]
    # Several tasks a core, since recordings differ in size.
    parts = max(1, min(len(recordings), 4 * spark.sparkContext.defaultParallelism))
    tasks = spark.sparkContext.parallelize(recordings, parts).mapPartitions(audited(program, key, attempts))
    # Spark takes the result of one attempt of each task: what other attempts wrote is left behind.
    commit(tasks.collect(), output)
    shutil.rmtree(attempts, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--master", help="spark://host:7077, yarn, k8s://...; spark-submit gives it too")
    parser.add_argument("--authtrail", default="authtrail", help="the program, with the feature `tables`, on every machine")
    parser.add_argument("--key", required=True, help="key of the fingerprints, a file of 16 octets or more")
    parser.add_argument("--output", required=True, help="a new folder that every machine can write")
    parser.add_argument("paths", nargs="+", metavar="PATH")
    of = parser.parse_args()
    builder = SparkSession.builder.appName("authtrail audit")
    spark = (builder.master(of.master) if of.master else builder).getOrCreate()
    try:
        run(spark, of.authtrail, of.key, of.paths, of.output)
    finally:
        spark.stop()


if __name__ == "__main__":
    sys.exit(main())
