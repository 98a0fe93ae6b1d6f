"""The Python of docs/tracking.md, run without a network on a few photos."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "tracking.md"
TINY = """tpg.get_recipe(
    "mlp", images=32, batch_size=8, precision="float32", generator={"widths": [8]}, discriminator={"widths": [8]}
)"""
FIT = """
gan = tpg.ConditionalGAN.from_recipe(recipe, products.schema)
gan.compile()
gan.fit(products.stream(batch_size=8), steps_per_epoch=4, epochs=2, callbacks=[{callback}], verbose=0)
"""

pytestmark = [
    pytest.mark.slow,
    # of the trackers and what they bring along
    pytest.mark.filterwarnings("ignore"),
]


def run(module, more=""):
    """What the page's block for a tracker has made, shortened, and then `more` of Python."""
    text = PAGE.read_text(encoding="utf-8")
    [code] = [block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if f"import {module}\n" in block]
    code = code.replace("count=10_000", "count=40").replace('tpg.get_recipe("quickstart")', TINY)
    assert "count=40" in code and TINY in code
    names = {}
    exec(compile(code + more, PAGE.name, "exec"), names)
    return names


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_weights_and_biases_offline(folder, monkeypatch):
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    names = run("wandb", "run = wandb.init(project='products')" + FIT.format(callback="WandbMetricsLogger(log_freq=2)"))
    summary = dict(names["run"].summary)
    wandb.finish()
    assert summary["epoch/epoch"] == 1 and summary["batch/batch_step"] > 0
    assert summary["epoch/learning_rate"] == pytest.approx(2e-4)
    assert {"epoch/d_loss", "epoch/g_loss", "batch/logit_gap"} <= set(summary)
    assert len(list(folder.glob("wandb/offline-run-*/run-*.wandb"))) == 2
    assert len(list(folder.glob("wandb/offline-run-*/files/media/images/samples_*.png"))) == 1


def test_mlflow_without_a_server(folder):
    mlflow = pytest.importorskip("mlflow")
    fit = FIT.format(callback="MlflowCallback(log_every_epoch=False, log_every_n_steps=2)")
    names = run("mlflow", "mlflow.start_run()" + fit + "mlflow.end_run()\n")
    client = mlflow.MlflowClient()
    trained = client.get_run(names["run"].info.run_id)
    assert trained.data.params["name"] == "mlp" and trained.data.params["batch_size"] == "8"
    assert set(trained.data.metrics) >= {"d_loss", "g_loss", "logit_gap"}
    stored = {artifact.path for artifact in client.list_artifacts(trained.info.run_id)}
    assert stored >= {"grids", "generator.keras", "model_summary.txt"}
    [fitted, _] = client.search_runs([trained.info.experiment_id])
    assert [point.step for point in client.get_metric_history(fitted.info.run_id, "d_loss")] == [2, 4, 6, 8]
