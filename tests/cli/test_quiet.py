import subprocess
import sys

STAND_IN = """
from types import SimpleNamespace
config = SimpleNamespace(optimizer=SimpleNamespace(set_experimental_options=lambda options: None))
"""


def imported(tmp_path, source):
    """Import a stand-in for TensorFlow that runs `source`; the finished process."""
    (tmp_path / "tensorflow.py").write_text(STAND_IN + source)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    code += "from tfproductgan.cli.quiet import import_tensorflow\nimport_tensorflow()\n"
    code += "import os; os.write(2, b'after')"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_notes_are_dropped_and_the_rest_comes_through(tmp_path):
    source = "import os; os.write(2, b'I0000 00:00 port.cc:153] oneDNN custom operations are on\\nE0000 broken\\n')"
    assert imported(tmp_path, source).stderr == "E0000 broken\nafter"


def test_an_import_that_fails_still_says_why(tmp_path):
    done = imported(tmp_path, "raise ImportError('no such library')")
    assert done.returncode == 1 and "ImportError: no such library" in done.stderr
