"""The published study on this library's models: `python -m benchmarks.study FOLDER`.

Cells that are finished are in FOLDER/journal.jsonl; the same command continues after an interruption of any kind, and
writes tables and figures into FOLDER at the end. `--report` writes them from what is there.

    python -m benchmarks.study study/small                        # minutes on two quiet cores
    python -m benchmarks.study study/hard --setting hard --jobs 2 # where the published training failed
    python -m benchmarks.study study/full --setting full --jobs 2 # hours: see docs/study.md
    python -m benchmarks.study study/full --setting full --dask tcp://scheduler:8786
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from benchmarks.study.cells import measure
from benchmarks.study.cost import extrapolated_hours
from benchmarks.study.data import AXES
from benchmarks.study.journal import opened, read
from benchmarks.study.models import CONTENDERS
from benchmarks.study.report import update_page, write_report
from benchmarks.study.running import run
from benchmarks.study.settings import SETTINGS, Setting, cells, identity
from simulator.errors import QumbaError


def main(arguments: list[str] | None = None) -> int:
    """Run or report a study; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.study", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder of the study; created if it does not exist")
    parser.add_argument("--setting", choices=list(SETTINGS), default="small")
    parser.add_argument("--jobs", type=int, default=2, help="worker processes, each with one thread (default: 2)")
    parser.add_argument("--dask", metavar="ADDRESS", help="run on the Dask cluster with this scheduler")
    parser.add_argument("--mnist", metavar="FOLDER", help="folder with the study's MNIST files, or with MNIST")
    parser.add_argument("--families", nargs="+", choices=list(AXES), help="run the cells of these families only")
    parser.add_argument("--models", nargs="+", choices=list(CONTENDERS), help="run the cells of these models only")
    parser.add_argument("--sizes", nargs="+", type=int, help="run the cells of these sizes only")
    parser.add_argument("--no-twins", action="store_true", help="run no models without entanglement")
    parser.add_argument("--report", action="store_true", help="run nothing, write tables and figures")
    parser.add_argument("--hours", action="store_true", help="run nothing, extrapolate the hours of processor time")
    parser.add_argument("--page", type=Path, metavar="FILE", help="put the tables into this page, between its marks")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error(f"--jobs expects a positive integer, got {options.jobs}")
    setting = SETTINGS[options.setting]
    if options.hours:
        extrapolated_hours(setting, partial(print, flush=True))
        return 0
    failures = 0
    try:
        if not options.report:
            failures = _run(options, setting)
        records = read(options.folder / "journal.jsonl")
        if not records:
            print(f"{options.folder} has no finished cell", file=sys.stderr)
            return 1
        for path in write_report(options.folder, records):
            print(path)
        if options.page is not None:
            update_page(options.page, options.setting, records)
    except KeyboardInterrupt:
        print("interrupted; the same command continues", file=sys.stderr)
        return 130
    except (QumbaError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 1 if failures else 0


def _run(options: argparse.Namespace, setting: Setting) -> int:
    client = None
    if options.dask is not None:
        from distributed import Client

        client = Client(options.dask)
    with opened(options.folder, identity(setting)) as journal:
        planned = [
            cell
            for cell in cells(setting, options.mnist)
            if (options.families is None or cell.family in options.families)
            and (options.models is None or cell.model in options.models)
            and (options.sizes is None or cell.size in options.sizes)
            and (cell.entangled or not options.no_twins)
        ]
        remaining = [cell for cell in planned if cell not in journal.done]
        print(f"{len(planned)} cells, {len(planned) - len(remaining)} finished before", flush=True)
        work = partial(measure, setting=setting, mnist=options.mnist)
        return run(remaining, journal, work, jobs=options.jobs, client=client, say=partial(print, flush=True))


if __name__ == "__main__":
    sys.exit(main())
