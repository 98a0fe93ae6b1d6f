import asyncio
import threading

import numpy as np
import pytest

from tfproductgan.serving.server.batching import Batcher, _batch_size
from tfproductgan.serving.server.metrics import Metrics
from tfproductgan.serving.server.signatures import Spec
from tfproductgan.serving.statuses import RequestError


class Doubles:
    """A signature that doubles numbers, refuses negative ones and can be held up."""

    name, model_name = "double", "toy"

    def __init__(self, batched=True, shape=(-1,)):
        self.batched = batched
        self.inputs = {"x": Spec("DT_INT64", np.dtype(np.int64), shape)}
        self.sizes = []
        self.go = threading.Event()
        self.go.set()

    def check(self, inputs):
        return len(inputs["x"]) if self.batched else 1

    def __call__(self, inputs):
        assert self.go.wait(30)
        self.sizes.append(len(inputs["x"]))
        if (inputs["x"] < 0).any():
            raise RequestError("INVALID_ARGUMENT", f"negative: {inputs['x'].min()}")
        return {"y": 2 * inputs["x"]}


@pytest.fixture
def run():
    """Runs a coroutine function with a batcher."""

    def run(use, **limits):
        async def main():
            batcher = Batcher(Metrics(), **limits)
            try:
                return await use(batcher)
            finally:
                batcher.close()

        return asyncio.run(main())

    return run


def rows(*values):
    return {"x": np.array(values)}


async def hold(batcher, signature):
    """Occupy all workers; returns what waits for them."""
    signature.go.clear()
    held = []
    for value in (100, 101):
        held.append(asyncio.create_task(batcher.run(signature, rows(value))))
        await asyncio.sleep(0.05)
    return held


def test_what_came_meanwhile_is_one_batch_and_everybody_gets_their_own(run):
    signature = Doubles()

    async def use(batcher):
        held = await hold(batcher, signature)
        waiting = [asyncio.create_task(batcher.run(signature, rows(i, i + 50))) for i in range(4)]
        await asyncio.sleep(0.05)
        signature.go.set()
        await asyncio.gather(*held)
        return await asyncio.gather(*waiting)

    results = run(use)
    assert [result["y"].tolist() for result in results] == [[2 * i, 2 * i + 100] for i in range(4)]
    assert sorted(signature.sizes) == [1, 1, 8]


def test_batches_have_powers_of_two_rows(run):
    signature = Doubles()

    async def use(batcher):
        return await batcher.run(signature, rows(1, 2, 3, 4, 5))

    assert run(use)["y"].tolist() == [2, 4, 6, 8, 10]
    assert signature.sizes == [8]


@pytest.mark.parametrize("waiting, size", [(1, 1), (3, 2), (7, 8), (12, 8), (31, 32), (40, 32), (64, 64), (500, 64)])
def test_little_is_wasted_on_padding(waiting, size):
    assert _batch_size(waiting) == size


def test_a_bad_row_fails_its_own_request_alone(run):
    signature = Doubles()

    async def use(batcher):
        held = await hold(batcher, signature)
        waiting = [asyncio.create_task(batcher.run(signature, rows(i if i != 5 else -5))) for i in range(16)]
        await asyncio.sleep(0.05)
        signature.go.set()
        return await asyncio.gather(*held, *waiting, return_exceptions=True)

    results = run(use)[2:]
    assert isinstance(results[5], RequestError) and "negative: -5" in str(results[5])
    good = [result["y"].tolist() for i, result in enumerate(results) if i != 5]
    assert good == [[2 * i] for i in range(16) if i != 5]


def test_a_large_request_goes_in_parts(run):
    signature = Doubles()

    async def use(batcher):
        return await batcher.run(signature, rows(*range(150)))

    assert run(use)["y"].tolist() == [2 * i for i in range(150)]
    assert max(signature.sizes) == 64


def test_a_request_that_never_fits_is_invalid(run):
    async def use(batcher):
        await batcher.run(Doubles(), rows(*range(2000)))

    with pytest.raises(RequestError, match="up to 1024 rows: send several") as error:
        run(use)
    assert error.value.code == "INVALID_ARGUMENT"


def test_when_too_many_wait_the_next_is_told_when_to_come_back(run):
    signature = Doubles()

    async def use(batcher):
        held = await hold(batcher, signature)
        waiting = [asyncio.create_task(batcher.run(signature, rows(*range(4)))) for _ in range(2)]
        await asyncio.sleep(0.05)
        try:
            with pytest.raises(RequestError, match="8 rows are waiting") as error:
                await batcher.run(signature, rows(1))
        finally:
            signature.go.set()
        await asyncio.gather(*held, *waiting)
        await batcher.run(signature, rows(1))  # there is room again
        return error.value

    error = run(use, max_queued_rows=8)
    assert error.code == "RESOURCE_EXHAUSTED"
    assert error.retry_after >= 1


def test_nobody_draws_for_a_client_that_has_gone(run):
    signature = Doubles()

    async def use(batcher):
        held = await hold(batcher, signature)
        gone = [asyncio.create_task(batcher.run(signature, rows(7))) for _ in range(8)]
        stays = asyncio.create_task(batcher.run(signature, rows(3)))
        await asyncio.sleep(0.05)
        for task in gone:
            task.cancel()
        await asyncio.sleep(0)
        signature.go.set()
        await asyncio.gather(*held)
        return await stays

    assert run(use)["y"].tolist() == [6]
    assert signature.sizes == [1, 1, 1]


def test_a_signature_without_batches_gets_its_inputs_as_they_are(run):
    signature = Doubles(batched=False)

    async def use(batcher):
        return await asyncio.gather(*(batcher.run(signature, rows(1, 2, i)) for i in range(3)))

    assert [result["y"].tolist() for result in run(use)] == [[2, 4, 2 * i] for i in range(3)]
    assert signature.sizes == [3, 3, 3]


def test_rows_of_different_shapes_share_no_batch(run):
    signature = Doubles(shape=(-1, -1))

    async def use(batcher):
        held = await hold(batcher, signature)
        parts = [{"x": np.ones((2, width), np.int64)} for width in (3, 4, 3)]
        waiting = [asyncio.create_task(batcher.run(signature, part)) for part in parts]
        await asyncio.sleep(0.05)
        signature.go.set()
        await asyncio.gather(*held)
        return await asyncio.gather(*waiting)

    assert [result["y"].shape for result in run(use)] == [(2, 3), (2, 4), (2, 3)]


def test_a_bug_in_a_graph_is_an_error_of_the_request_and_the_next_one_works(run):
    class Fails(Doubles):
        def __call__(self, inputs):
            if inputs["x"][0] == 13:
                raise ZeroDivisionError("bad luck")
            return super().__call__(inputs)

    signature = Fails()

    async def use(batcher):
        with pytest.raises(RequestError, match="ZeroDivisionError: bad luck") as error:
            await batcher.run(signature, rows(13))
        assert error.value.code == "INTERNAL"
        return await batcher.run(signature, rows(1))

    assert run(use)["y"].tolist() == [2]
