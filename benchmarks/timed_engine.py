"""What answers TensorFlow Serving's REST API with one picture again and again, and takes so long for each as told.

As an accelerator elsewhere would: one picture at a time, and next to no processor time of this machine. Run as a
program it reads what `facts_of` says, takes the milliseconds a picture as its argument, and prints its address.
"""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys

from aiohttp import web


class TimedEngine:
    """The engine in a process of its own; a context manager.

    Args:
        facts: Of the model that it stands for, as `facts_of` has them.
        milliseconds: For a picture.
    """

    def __init__(self, facts: dict, milliseconds: float):
        self._facts, self._command = facts, [sys.executable, __file__, str(milliseconds)]

    def __enter__(self) -> TimedEngine:
        self.process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(json.dumps(self._facts))
        self.process.stdin.close()
        self.addresses = {"REST": self.process.stdout.readline().strip()}
        return self

    def __exit__(self, *error) -> None:
        self.process.terminate()
        self.process.wait()


def facts_of(address: str, model: str) -> dict:
    """What a served model says of itself, and one of its pictures."""
    from tfproductgan.serving import Client

    with Client(f"http://{address}", model) as client:
        [png] = client.generate_png(count=1)
        return {"description": client.describe(), "png": base64.b64encode(png).decode()}


def answers(facts: dict, seconds: float) -> web.Application:
    """The application."""
    described, picture = [json.dumps(facts["description"])], {"b64": facts["png"]}
    free = 0.0

    async def predict(request: web.Request) -> web.Response:
        nonlocal free
        body = await request.json()
        if body["signature_name"] == "describe":
            return web.json_response({"outputs": described})
        rows = body.get("instances")
        count = len(body["inputs"]["seed"]) if rows is None else len(rows)
        now = asyncio.get_running_loop().time()
        free = max(now, free) + count * seconds
        await asyncio.sleep(free - now)
        return web.json_response({"outputs" if rows is None else "predictions": [picture] * count})

    async def status(request: web.Request) -> web.Response:
        return web.json_response({"model_version_status": [{"version": "1", "state": "AVAILABLE", "status": {}}]})

    app = web.Application()
    app.add_routes([web.post("/v1/models/{name}:predict", predict), web.get("/v1/models/{name}", status)])
    return app


async def serve(facts: dict, milliseconds: float) -> None:
    """Answer until the process is ended."""
    runner = web.AppRunner(answers(facts, milliseconds / 1e3), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(":".join(map(str, runner.addresses[0])), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(json.load(sys.stdin), float(sys.argv[1])))
