#!/usr/bin/env python3
"""Reads the Parquet tables of an audit back with DuckDB, pandas and Spark, and compares every value with the JSON lines.

usage: read_back.py PROGRAM FOLDER

PROGRAM is authtrail with the feature `tables`. FOLDER is for what is written; it is emptied first. The same recordings
are then audited by ../spark/audit_job.py on two local cores, where one task fails after its work and is tried again, and
its tables compared as well.
"""
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import warnings

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "spark"))
os.environ["PYSPARK_PYTHON"] = sys.executable
os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
os.environ["PYSPARK_SUBMIT_ARGS"] = ("--conf spark.driver.bindAddress=127.0.0.1 --conf spark.ui.enabled=false "
                                     "--conf spark.ui.showConsoleProgress=false pyspark-shell")
os.environ.pop("SSLKEYLOGFILE", None)
# PySpark says that it does not know all of this pandas; none of that is used here.
warnings.filterwarnings("ignore", category=FutureWarning, module="pyspark")

import duckdb  # noqa: E402
import pandas  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402

import audit_job  # noqa: E402

DUCKDB = {"text": "VARCHAR", "integer": "BIGINT", "flag": "BOOLEAN", "texts": "VARCHAR[]",
          "time": "TIMESTAMP WITH TIME ZONE"}
SPARK = {"text": "string", "integer": "bigint", "flag": "boolean", "texts": "array<string>", "time": "timestamp"}
PANDAS = {"text": "string", "integer": "int64", "flag": "bool", "texts": "list", "time": "timestamp[us, tz=UTC]"}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def same(what, found, expected):
    """Fails where the first differing pair is."""
    assert len(found) == len(expected), f"{what}: {len(found)} rows, expected {len(expected)}"
    for number, (a, b) in enumerate(zip(found, expected)):
        assert a == b, f"{what}: row {number}\n{a}\nexpected\n{b}"


def microseconds(time):
    return (time - EPOCH) // datetime.timedelta(microseconds=1)


def json_lines(table, folder):
    """The rows as tuples; times as microseconds."""
    def value(column, row):
        found = row.get(column["name"])
        if column["type"] != "time" or found is None:
            return found
        return microseconds(datetime.datetime.fromisoformat(found.replace("Z", "+00:00")))
    lines = (folder / f"{table['name']}.jsonl").read_text().splitlines()
    return [tuple(value(column, json.loads(line)) for column in table["columns"]) for line in lines]


def by_duckdb(table, folder):
    """The rows that DuckDB reads from the folder of a table, with the types checked."""
    source = f"read_parquet('{folder / table['name']}/*.parquet')"
    types = [(name, kind) for name, kind, *_ in duckdb.sql(f"DESCRIBE SELECT * FROM {source}").fetchall()]
    same(f"DuckDB: {table['name']}: types", types, [(c["name"], DUCKDB[c["type"]]) for c in table["columns"]])
    names = [f"epoch_us({c['name']})" if c["type"] == "time" else f'"{c["name"]}"' for c in table["columns"]]
    return duckdb.sql(f"SELECT {', '.join(names)} FROM {source}").fetchall()


def by_pandas(table, folder):
    """The rows that pandas reads, with the types checked."""
    frame = pandas.read_parquet(folder / table["name"], dtype_backend="pyarrow")
    assert list(frame.columns) == [c["name"] for c in table["columns"]], table["name"]
    for column in table["columns"]:
        kind = str(frame.dtypes[column["name"]])
        assert PANDAS[column["type"]] in kind, f"pandas: {table['name']}.{column['name']} is {kind}"

    def values(column):
        series = frame[column["name"]]
        if column["type"] == "time":
            return [None if pandas.isna(v) else microseconds(v.to_pydatetime()) for v in series]
        if column["type"] == "texts":
            return [list(v) for v in series]
        return [None if v is pandas.NA or v is None else v for v in series]
    return list(zip(*(values(column) for column in table["columns"])))


def by_spark(spark, table, folder):
    """How many rows Spark reads, with the types checked."""
    frame = spark.read.parquet(str(folder / table["name"]))
    same(f"Spark: {table['name']}: types", frame.dtypes, [(c["name"], SPARK[c["type"]]) for c in table["columns"]])
    return frame.count()


def tables(program):
    """The tables as the program describes them."""
    return json.loads(subprocess.check_output([program, "query", "--schema", "--format", "json"]))


def failing_once(program, folder):
    """A program that does what `program` does; the first worker of all then fails, with all of its work done."""
    script, failed = folder / "authtrail", folder / "failed"
    script.write_text("#!/bin/sh\n"
                      f"'{program}' \"$@\" || exit\n"
                      f"case \"$*\" in *--worker*) mkdir '{failed}' 2>/dev/null && exit 1; esac\n"
                      "exit 0\n")
    script.chmod(0o755)
    return str(script), failed


def main(program, folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.chdir(ROOT)
    paths = [str(ROOT / "samples" / "labelled"), str(ROOT / "tests" / "hostile" / "cut-in-an-entry.har"),
             str(ROOT / "tests" / "hostile" / "noise.bin")]
    key, local = str(ROOT / "tests" / "cli" / "files" / "test.key"), folder / "local"

    def audit(form):
        command = [program, "audit", "--resume", "--quiet", "--key", key, "--format", form, "-o", str(local), *paths]
        status = subprocess.run(command, stderr=subprocess.DEVNULL).returncode
        # 2: one of them is no recording.
        assert status == 2, f"{' '.join(command)}: exit status {status}"

    audit("parquet")
    shutil.copytree(local / "tables", folder / "parquet")
    audit("jsonl")
    # Two cores, and two attempts for each task.
    spark = SparkSession.builder.master("local[2,2]").appName("read back").getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    cluster = folder / "cluster"
    failing, failed = failing_once(program, folder)
    audit_job.run(spark, failing, key, paths, str(cluster))
    assert failed.is_dir(), "no worker has failed"
    assert sorted(path.name for path in cluster.iterdir()) == ["journal.jsonl", "tables"]
    for table in tables(program):
        expected = json_lines(table, local / "tables")
        assert expected, table["name"]
        same(f"DuckDB: {table['name']}", by_duckdb(table, folder / "parquet"), expected)
        same(f"pandas: {table['name']}", by_pandas(table, folder / "parquet"), expected)
        count = by_spark(spark, table, folder / "parquet")
        assert count == len(expected), f"Spark: {table['name']}: {count} rows, expected {len(expected)}"
        # Recordings end in any order: the rows are the same, not their order.
        for name, read in [("DuckDB", by_duckdb), ("pandas", by_pandas)]:
            same(f"{name}: cluster: {table['name']}", sorted(read(table, cluster / "tables"), key=repr),
                 sorted(expected, key=repr))
        count = by_spark(spark, table, cluster / "tables")
        assert count == len(expected), f"Spark: cluster: {table['name']}: {count} rows, expected {len(expected)}"
        parts = len(list((cluster / "tables" / table["name"]).glob("*.parquet")))
        assert parts > 1, f"{table['name']}: {parts} part of all workers"
        print(f"{table['name']}: {len(expected)} rows, the same in DuckDB, pandas, Spark, and from the cluster")
    spark.stop()
    # The journal of the cluster gives the tables of the local audit, byte for byte.
    merged = folder / "merged"
    command = [program, "audit", "--quiet", "--format", "jsonl", "-o", str(merged),
               "--from-journal", str(cluster / "journal.jsonl")]
    assert subprocess.run(command).returncode == 2
    for path in sorted((local / "tables").iterdir()):
        assert path.read_bytes() == (merged / "tables" / path.name).read_bytes(), f"{path.name} differs"
    print("the journal of the workers: the same tables, byte for byte")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2]).resolve())
