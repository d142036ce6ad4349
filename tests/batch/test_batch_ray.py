"""The same work on Ray: the same rows to the bit, whatever is lost on the way."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.batch.test_batch_run import batch, elsewhere, files_in, photos, silent, table
from tests.samples import save_photo
from vitviz.batch import on_ray
from vitviz.batch.job import Batch, BatchRefused, Outputs, SettingsChanged
from vitviz.batch.listing import JOURNAL
from vitviz.batch.progress import BatchProgress
from vitviz.batch.run import run
from vitviz.batch.shards import Shard
from vitviz.errors import VitvizError
from vitviz.session.state import View

__all__ = ["batch", "photos"]

pytest.importorskip("ray")

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,  # Ray takes some seconds to start and to end
    pytest.mark.filterwarnings("ignore"),  # Ray's own
]

STORE = 80 << 20


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head that does nothing, and two computers of one core each."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    import ray
    from ray.cluster_utils import Cluster

    # Sooner than Ray would, not so soon that a busy computer is taken for a lost one.
    quick = {"health_check_period_ms": 2000, "health_check_failure_threshold": 4,
             "worker_niceness": 0}  # or they starve beside other tests  # fmt: skip
    head = {"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False,
            "_system_config": quick}  # fmt: skip
    made = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(2):
        made.add_node(num_cpus=1, object_store_memory=STORE)
    ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture
def job(batch: Batch, cluster: Any) -> Batch:
    """With a photo that is broken, and one thread as on a node of one core."""
    (batch.source / "in/broken.png").write_bytes(b"no photo")
    outputs = Outputs(map="none", classes=3, maps=True)
    return replace(batch, outputs=outputs, workers=1)


def on(job: Batch, report: Any = silent, **options: Any) -> Any:
    with on_ray.connected(job) as workers:
        return run(job, report, workers=workers, **options)


def test_the_rows_are_those_of_the_local_run(job: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(elsewhere(job), silent).failed == 1
    summary = on(job)
    assert (summary.done, summary.failed, summary.before) == (7, 1, 0)
    assert files_in(job.out) == files_in(elsewhere(job).out), "to the bit"
    assert table(job.out)[4]["error"].startswith("broken.png ")
    with pytest.raises(SettingsChanged):
        on(replace(job, outputs=replace(job.outputs, classes=2)))
    (job.source / "in/broken.png").unlink()
    before = (job.out / JOURNAL).read_bytes()
    monkeypatch.setattr(on_ray, "actors_for", lambda *_: pytest.fail("nobody is asked"))
    assert on(job).before == 6, "a second run does nothing"
    assert (job.out / JOURNAL).read_bytes() == before


def test_what_fits_no_photo_is_refused(job: Batch) -> None:
    view = View("attention", layer=7)
    with pytest.raises(BatchRefused, match="no layer 8"):
        on(replace(job, session=replace(job.session, view=view)))


def test_the_weights_of_a_spec_are_those_that_are_used(job: Batch) -> None:
    with pytest.raises(VitvizError, match="begins with 0000"):
        on(replace(job, sha256="0" * 64))
    actor = on_ray.Actor(
        on_ray.spec.to_json(replace(job.spec, sha256="0" * 64)), str(job.out), "cpu", 1
    )
    answer = actor({"number": [0], "item": ["{}"]})
    with pytest.raises(BatchRefused, match="begins with 0000"):
        on_ray._entry(answer["number"][0], answer["entry"][0])


def test_parts_and_ray_do_not_go_together(job: Batch) -> None:
    with pytest.raises(VitvizError, match="divides the work itself"):
        on(replace(job, shard=Shard(1, 2)))


def test_more_than_anybody_has(job: Batch) -> None:
    with on_ray.connected(job, gpus=1) as workers, pytest.raises(VitvizError, match="1 GPU, "):
        run(replace(job, device="cpu"), silent, workers=workers)


def test_a_computer_that_is_lost(job: Batch, cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last test: it takes one of the two away. The actors write files, too."""
    monkeypatch.setattr(on_ray, "AT_ONCE", 2)
    job = replace(job, outputs=Outputs(map="png", classes=3))
    for index in range(40):
        save_photo(job.source / f"more{index}.png", index)
    run(elsewhere(job), silent)
    lost = next(iter(cluster.worker_nodes))
    began = time.monotonic()
    taken: list[float] = []

    def report(progress: BatchProgress) -> None:
        if progress.done >= 10 and not taken:
            taken.append(time.monotonic() - began)
            cluster.remove_node(lost, allow_graceful=False)

    summary = on(job, report)
    assert taken, "in the middle"
    assert (summary.done, summary.failed) == (47, 1)
    lines = table(job.out)
    assert len({line["photo"] for line in lines}) == len(lines) == 47, "every key once"
    assert files_in(job.out) == files_in(elsewhere(job).out)
