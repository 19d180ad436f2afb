"""Labels for many geometries: subsets nest, nothing is computed twice or lost, failures are never labels."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import springs_jobs
from springs_jobs import asked, frames, job, run

from asteroid.errors import InputError
from asteroid.labelling.labeller import Method
from asteroid.labels.farthest_point import farthest_order
from asteroid.labels.label_set import geometry_hashes, hash_order
from study.labelling.label_run import LabelJob, chosen_rows, run_labels
from study.labelling.output_files import write_failures


def test_labels_of_all_geometries_in_the_order_of_the_file(tmp_path: Path) -> None:
    done, reports = run(job(tmp_path), tmp_path)
    labels = done.labels
    assert labels.level == "springs"
    np.testing.assert_array_equal(labels.positions, frames().positions)
    np.testing.assert_array_equal(labels.frame_id, np.arange(100, 112))
    np.testing.assert_array_equal(labels.group, np.arange(12) % 3)
    np.testing.assert_array_equal(labels.forces, -2 * labels.positions)
    assert labels.cpu_s is not None
    assert (labels.cpu_s > 0).all()
    assert [(p.done, p.total, p.failed) for p in (reports[0], reports[-1])] == [(0, 12, 0), (12, 12, 0)]
    assert reports[-1].cpu_s == pytest.approx(labels.cpu_s.sum())
    assert reports[5].left_s is not None


def test_energies_alone_are_kept_and_are_other_work_than_labels_with_forces(tmp_path: Path) -> None:
    whole = job(tmp_path)
    alone = replace(whole, method=replace(whole.method, energies_alone=True))
    first, _ = run(alone, tmp_path)
    again, reports = run(alone, tmp_path)
    assert first.labels.forces is None
    assert again.labels.forces is None
    np.testing.assert_array_equal(again.labels.energy, first.labels.energy)
    assert reports[0].found == 12
    with pytest.raises(InputError, match="energies alone"):
        run(whole, tmp_path)


def test_subsets_follow_the_hash_order_and_nest(tmp_path: Path) -> None:
    order = hash_order(frames(), 3, "label")
    for n in (1, 4, 9):
        rows, _ = chosen_rows(job(tmp_path, n=n, seed=3))
        np.testing.assert_array_equal(rows, order[:n])
    other, _ = chosen_rows(job(tmp_path, n=9, seed=4))
    assert set(other) != set(order[:9])
    with pytest.raises(InputError, match="--n 13 is more than there are geometries: the largest possible is 12"):
        chosen_rows(job(tmp_path, n=13))


def test_a_larger_n_adds_and_computes_nothing_again(tmp_path: Path) -> None:
    first, _ = run(job(tmp_path, n=4), tmp_path)
    second, reports = run(job(tmp_path, n=9), tmp_path)
    third, _ = run(job(tmp_path, n=4), tmp_path)
    assert len(asked(tmp_path)) == 9 == len(set(asked(tmp_path)))
    assert (reports[0].done, reports[0].found) == (4, 4)
    assert set(first.labels.frame_id) < set(second.labels.frame_id)
    np.testing.assert_array_equal(third.labels.energy, first.labels.energy)
    np.testing.assert_array_equal(third.labels.cpu_s, first.labels.cpu_s)


def test_farthest_subsets_nest_go_on_and_are_no_random_ones(tmp_path: Path) -> None:
    order = farthest_order(frames(), 9)
    spread = replace(job(tmp_path, n=4), select="farthest")
    np.testing.assert_array_equal(chosen_rows(spread)[0], order[:4])
    first, _ = run(spread, tmp_path)
    assert asked(tmp_path) == order[:4].tolist(), "the first ones first, so that a killed run is spread out too"
    second, reports = run(replace(spread, n=9), tmp_path)
    assert (reports[0].found, asked(tmp_path)) == (4, order.tolist())
    assert set(second.labels.frame_id) == set(100 + order) > set(first.labels.frame_id)
    whole, reports = run(replace(spread, n=None), tmp_path)
    assert (len(whole.labels), reports[0].found) == (12, 9)
    with pytest.raises(InputError, match=r"another selection rule \(farthest, now random\): choose another --out"):
        run(replace(spread, select="random"), tmp_path)
    with pytest.raises(InputError, match="no seed, found --seed 2: leave it out"):
        chosen_rows(replace(spread, seed=2))


def test_work_begun_before_there_was_a_choice_was_random(tmp_path: Path) -> None:
    wanted = job(tmp_path, n=4)
    run(wanted, tmp_path)
    begun = tmp_path / "out.work" / "job.json"
    settings = json.loads(begun.read_text())
    assert settings.pop("selection_rule") == "random"
    begun.write_text(json.dumps(settings))
    with pytest.raises(InputError, match=r"another selection rule \(random, now farthest\)"):
        run(replace(wanted, select="farthest"), tmp_path)
    run(replace(wanted, n=6), tmp_path)
    assert len(asked(tmp_path)) == 6


def test_farthest_labels_a_copy_once(tmp_path: Path) -> None:
    positions = frames().positions.copy()
    positions[5] = positions[2]
    wanted = replace(job(tmp_path, n=10), select="farthest")
    wanted = replace(wanted, frames=replace(wanted.frames, positions=positions))
    rows, copies = chosen_rows(wanted)
    assert (len(set(rows)), copies) == (10, 1)
    assert 5 not in rows


def test_failures_are_kept_with_their_reason_and_never_labels(tmp_path: Path) -> None:
    wanted = job(tmp_path, failing=(2, 7))
    done, reports = run(wanted, tmp_path)
    assert [(frame, failure.reason) for frame, failure in done.failures] == [
        (102, "SCFError: no solution"),
        (107, "SCFError: no solution"),
    ]
    assert len(done.labels) == 10
    assert not {102, 107} & set(done.labels.frame_id)
    assert reports[-1].failed == 2
    again, _ = run(wanted, tmp_path)
    assert again.failures == done.failures
    assert len(asked(tmp_path)) == 12
    table = write_failures(tmp_path / "out.npz", done.failures)
    assert table.read_text().splitlines()[1].startswith("102,SCFError: no solution,")
    write_failures(tmp_path / "out.npz", ())
    assert not table.exists()


def test_runs_whose_labels_all_fail_stop_before_the_money_is_spent(tmp_path: Path) -> None:
    wanted = job(tmp_path, failing=tuple(range(12)))
    with pytest.raises(InputError, match=r"all of the first 5 labels at springs failed \(SCFError: no solution\)"):
        run(wanted, tmp_path)
    assert len(asked(tmp_path)) == 5
    with pytest.raises(InputError, match="all of the first 5"):
        run(wanted, tmp_path)
    assert len(asked(tmp_path)) == 5


def test_a_few_may_all_fail_where_they_are_a_part_of_more(tmp_path: Path) -> None:
    wanted = job(tmp_path, failing=(0, 1), size=2)
    with pytest.raises(InputError, match="all of the first 2"):
        run(wanted, tmp_path)
    done = run_labels(wanted, tmp_path / "out.work", 1, lambda _: None, few_may_fail=True)
    assert (len(done.labels), len(done.failures)) == (0, 2)
    assert done.labels.forces is not None
    assert done.labels.forces.shape == (0, 3, 3)


def test_a_geometry_twice_is_labelled_once(tmp_path: Path) -> None:
    wanted = job(tmp_path)
    positions = frames().positions.copy()
    positions[5] = positions[2]
    wanted = replace(wanted, frames=replace(wanted.frames, positions=positions))
    done, _ = run(wanted, tmp_path)
    assert (len(done.labels), done.copies) == (11, 1)
    assert 105 not in done.labels.frame_id


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": Method("gfn2-xtb")}, "another level"),
        ({"seed": 1}, r"another seed \(0, now 1\)"),
        ({"charge": 1}, "another charge"),
        ({"max_cycle": 7}, "another max cycle"),
        ({"frames": frames(11)}, "another geometry file"),
        ({"frames": replace(frames(), positions=frames().positions + 0.01)}, "another geometry file"),
    ],
)
def test_a_folder_of_another_job_is_refused(change: dict[str, object], message: str, tmp_path: Path) -> None:
    wanted = job(tmp_path, n=2)
    run(wanted, tmp_path)
    if "charge" in change or "max_cycle" in change:
        changed = replace(wanted, method=replace(wanted.method, **change))  # type: ignore[arg-type]
    else:
        changed = replace(wanted, **change)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=message) as caught:
        run(changed, tmp_path)
    assert "\n" not in str(caught.value)
    assert len(asked(tmp_path)) == 2


def drive(folder: Path, wanted: LabelJob, workers: int) -> subprocess.Popen[bytes]:
    """The same job in a process of its own, half a second a label."""
    code = f"""
        import sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(springs_jobs.__file__).parent)!r})
        from springs_jobs import frames
        from asteroid.labelling.labeller import Method
        from study.labelling.label_run import LabelJob, run_labels
        job = LabelJob(frames(), {wanted.method!r}, None, 0)
        run_labels(job, Path({str(folder)!r}) / "out.work", {workers}, lambda progress: None)
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], env={**os.environ, "LINGER_S": "0.3", "OMP_NUM_THREADS": "1"}
    )


def test_killed_in_mid_run_nothing_is_lost_and_nothing_computed_twice(tmp_path: Path) -> None:
    wanted = job(tmp_path, failing=(3,))
    driver = drive(tmp_path, wanted, 1)
    work = tmp_path / "out.work"
    until = time.monotonic() + 60
    while len(list(work.glob("[!.j]*.json"))) < 4 and time.monotonic() < until and driver.poll() is None:
        time.sleep(0.02)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    kept = {path: path.stat().st_mtime_ns for path in work.glob("[!.j]*.json")}
    assert 4 <= len(kept) < 12
    begun = asked(tmp_path)
    done, reports = run(wanted, tmp_path)
    assert reports[0].found == len(kept)
    assert len(done.labels) == 11
    assert kept.items() <= {path: path.stat().st_mtime_ns for path in work.glob("*.json")}.items()
    hashes = dict(zip(geometry_hashes(frames()), frames().positions[:, 0, 0], strict=True))
    finished = {hashes[path.stem] for path in kept}
    assert set(begun) - finished <= set(begun[-1:]), "at most the label in progress was lost"
    assert not finished & set(asked(tmp_path)[len(begun) :]), "no finished label was computed again"
