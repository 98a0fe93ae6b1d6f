import json
import os
import re
import shlex
import subprocess
from pathlib import Path

from tfproductgan.cli import main as cli

MANIFEST = Path(__file__).parents[2] / "deploy" / "kubernetes" / "train.yaml"


def test_the_manifest_tells_each_pod_who_the_others_are():
    text = MANIFEST.read_text(encoding="utf-8")
    [block] = re.findall(r"args:\n +- \|\n((?: {14}.*\n)+)", text)
    *script, command = (line[14:] for line in block.splitlines())
    environment = {"PATH": os.environ["PATH"], "WORKERS": "3", "JOB_COMPLETION_INDEX": "2"}
    done = subprocess.run(
        ["bash", "-c", "\n".join([*script, "printenv TF_CONFIG"])], env=environment, capture_output=True, text=True
    )
    assert json.loads(done.stdout) == {
        "cluster": {"worker": ["train-0.train:2222", "train-1.train:2222", "train-2.train:2222"]},
        "task": {"type": "worker", "index": 2},
    }
    # the program itself gets the signal to stop
    before, program, *words = shlex.split(command)
    assert (before, program) == ("exec", "tfproductgan")
    assert cli._parser(words).parse_args(words).strategy == "multi-worker"
    assert len(set(re.findall(r'(?:completions|parallelism|value): "?(\d+)', text))) == 1
