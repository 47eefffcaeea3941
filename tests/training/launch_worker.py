"""What the tests of the launcher run in several processes: `python -m launch_worker JOB`."""

import json
import os
import sys
import time
from pathlib import Path

from rnatracks.errors import InputError
from rnatracks.files import atomic_write
from rnatracks.training.stop import STOPPED, StopRequest


def main() -> int:
    job = json.loads(Path(sys.argv[1]).read_text())
    folder, rank = Path(job["folder"]), int(os.environ["RANK"])
    stop = StopRequest()
    with stop.handling_signals():
        match job["task"]:
            case "sum":
                _note(folder / f"sum.{rank}", _sum_ranks())
            case "fail" if rank == 1:
                sys.stderr.write(f"ERROR {InputError('samples.tsv, row 3', 'x', 'a number')}\n")
                return 1
            case _:
                _note(folder / f"ready.{rank}", {"pid": os.getpid()})
                while not stop.signal:
                    time.sleep(0.02)
                _note(folder / f"stopped.{rank}", {"pid": os.getpid()})
                return STOPPED
    return 0


def _sum_ranks() -> dict[str, object]:
    import torch
    from torch import distributed

    distributed.init_process_group("gloo")
    total = torch.tensor(distributed.get_rank() + 1.0)
    distributed.all_reduce(total)
    world = distributed.get_world_size()
    distributed.destroy_process_group()
    return {
        "sum": total.item(),
        "world": world,
        "threads": os.environ["OMP_NUM_THREADS"],
        "node": os.environ["GROUP_RANK"],
    }


def _note(target: Path, record: dict[str, object]) -> None:
    with atomic_write(target) as partial:
        partial.write_text(json.dumps(record))


if __name__ == "__main__":
    sys.exit(main())
