"""What answers TensorFlow Serving's REST API without TensorFlow: pictures in one colour, made of the seed."""

import base64
import io
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image

from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.vocabulary import Vocabulary

SCHEMA = ConditionSchema(
    [Attribute("category", ("Ring", "Mug", "Watch")), Attribute("base colour", ("Gold", "Weiß"))], image_size=8
).with_combinations([(1, 1)] * 5 + [(2, 2)] * 3 + [(3, 1)])
WORDS = ConditionSchema(
    [Attribute("category", ("Ring", "Mug", "Watch"))],
    image_size=8,
    text="title",
    vocabulary=Vocabulary.learn(["Red leather handbag", "Gold watch, round dial", "Rote Tasche 红色戒指"] * 3),
).with_combinations([(1,), (2,), (3,)])
CARD = {
    "written": "2026-11-30",
    "licence": "CC-BY-4.0",
    "parameters": 1234567,
    "data": {"source": "Photos of a shop", "fingerprint": "f00"},
    "evaluation": {
        "model_id": "shop-1",
        "figures": [
            {"name": name, "full_name": f"{name}@{extractor}, n=9", "value": value, "floor": floor, "better": better}
            | {"extractor": extractor, "view": None}
            for name, extractor, value, floor, better in (
                ("fid", "catalogue-1", 12.3456, None, "lower"),
                ("accuracy/category", "catalogue-1", 0.75, 0.875, "higher"),
                ("accuracy/base colour", "pixels", 0.5, 0.6, "higher"),
            )
        ],
    },
    "limits": ["Fewer than 50 photos show: category Ring (5)."],
}
VERSIONS = (1, 2)  # of `shop`
NAMELESS = ("larger", "masks")
# name -> what it asks, what it does
MODELS = {
    "shop": ("sampler", ["generate", "from_latents", "interpolate", "recognise"]),
    "sketches": ("translator", ["translate", "to_a", "translate_to_a"]),
    "larger": ("upscaler", ["upscale"]),
    "masks": ("translator", ["translate"]),
    "paints": ("translator", ["translate"]),
    "words": ("sampler", ["generate", "from_latents", "interpolate"]),
}
INPUTS = {"category": "category", "base colour": "base_colour"}
INPUTS_OF_WORDS = {"category": "category", "text": "text"}


def png(colour):
    file = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(file, "PNG")
    return {"b64": base64.b64encode(file.getvalue()).decode()}


def mask_of(file):
    """White where the picture's left half is."""
    with Image.open(io.BytesIO(file)) as image:
        mask = Image.new("L", image.size)
        mask.paste(255, (0, 0, image.width // 2, image.height))
    file = io.BytesIO()
    mask.save(file, "PNG")
    return {"b64": base64.b64encode(file.getvalue()).decode()}


def colour_of(seed):
    return (seed * 37 % 256, seed * 91 % 256, seed % 256)


class FakeEngine:
    """Serves the models `shop` (asked by name, in two versions), `words` (by name and text), `sketches`, `larger`,
    `masks` and `paints` (asked with a picture).
    """

    def __init__(self, port=0):
        self.drawn = []  # every seed that was asked for, in the order of requests
        self.received = []  # the bytes of every photo
        self.read = []  # every text that is given
        self.delay = threading.Event()
        self.delay.set()
        self.recognises = ["Ring", "Gold"]  # in every picture
        self.refuses = None  # (status, message) that each prediction gets
        self.in_flight = 0
        self._counting = threading.Lock()
        engine = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_GET(self):
                there = VERSIONS if self.path.split("/")[3] == "shop" else VERSIONS[:1]
                found = [{"version": str(number), "state": "AVAILABLE", "status": {}} for number in there]
                self.answer(200, {"model_version_status": found})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                name, *version = self.path.partition(":")[0].split("/")[3::2]
                engine.count(1)
                try:
                    answer = engine.predict(name, body["signature_name"], body["inputs"], *map(int, version))
                finally:
                    engine.count(-1)
                self.answer(*answer)

            def answer(self, status, body):
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def count(self, change):
        with self._counting:
            self.in_flight += change

    def forget(self):
        """Have drawn, received and read nothing yet."""
        for told in (self.drawn, self.received, self.read):
            told.clear()

    def predict(self, name, signature, inputs, version=1):
        if version not in VERSIONS:
            return 404, {"error": f"There is no version {version} of {name!r}"}
        if signature == "describe":
            return 200, {"outputs": [json.dumps({**self.describe(name), "model_id": f"{name}-{version}"})]}
        self.delay.wait(10)
        if self.refuses:
            return self.refuses[0], {"error": self.refuses[1]}
        if signature == "recognise":
            return 200, {"outputs": [self.recognises for _ in inputs["image_bytes"]]}
        if signature in ("serving_default", "to_a") and "image_bytes" in inputs:
            self.received += [base64.b64decode(each["b64"]) for each in inputs["image_bytes"]]
            if name == "masks":
                return 200, {"outputs": [mask_of(file) for file in self.received[-len(inputs["image_bytes"]) :]]}
            colour = {"serving_default": (1, 2, 3), "to_a": (3, 2, 1)}[signature]
            return 200, {"outputs": [png(colour) for _ in inputs["image_bytes"]]}
        if signature == "serving_default":
            self.drawn += inputs["seed"]
            if name == "words":  # as bright as its text is long
                self.read += filter(None, inputs["text"])  # the platform draws pictures of its own to compare with
                return 200, {"outputs": [png((min(len(text), 255),) * 3) for text in inputs["text"]]}
            return 200, {"outputs": [png(colour_of(seed)) for seed in inputs["seed"]]}
        assert signature == "interpolate"
        flat = [[[[int(255 * t)] * 3] * 8] * 8 for t in inputs["fraction"]]
        return 200, {"outputs": flat}

    def describe(self, name):
        asks, actions = MODELS[name]
        signatures = ["serving_default", *actions, "describe"]
        channels = 1 if name == "masks" else 3
        nameless = ConditionSchema([], image_size=8, channels=channels, source_channels=3)
        recipe = {"recipe": {"kind": "style"}} if name == "paints" else {}
        return {
            "provenance": {"photos": 9, **recipe},
            "asks": asks,
            "image_size": 8,
            "channels": channels,
            "max_rows": 64,
            "inputs": {} if name in NAMELESS else INPUTS_OF_WORDS if name == "words" else INPUTS,
            "signatures": {name: {} for name in signatures},
            **({"card": CARD} if name == "shop" else {}),
            "schema": (nameless if name in NAMELESS else WORDS if name == "words" else SCHEMA).to_dict(),
        }

    def close(self):
        self.server.shutdown()
        self.server.server_close()


if __name__ == "__main__":
    FakeEngine(int(sys.argv[1]))
    threading.Event().wait()
