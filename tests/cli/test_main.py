import subprocess
import sys
import types

import pytest

import tfproductgan
from tfproductgan.cli import main as cli
from tfproductgan.errors import RunError

HEAVY = ("tensorflow", "keras", "numpy", "PIL", "rich", "pandas")


@pytest.fixture
def verb(monkeypatch):
    """Put a verb of one line into the table; returns a function that sets what it does."""
    module = types.ModuleType("tfproductgan.cli.try")
    module.HELP = "Only for tests."
    module.add_arguments = lambda parser: parser.add_argument("--number", type=int, default=0)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(cli.VERBS, "try", "only for tests")

    def does(run):
        module.run = run

    return does


def raises(error):
    def run(args):
        raise error

    return run


def imported_by(*words):
    code = (
        "import sys\nfrom tfproductgan.cli.main import main\n"
        f"try:\n    main({list(words)!r})\nexcept SystemExit as stop:\n    assert stop.code == 0, stop.code\n"
        f"print('heavy:', *[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_help_names_every_verb_and_imports_nothing_heavy():
    output = imported_by("--help")
    assert output.endswith("heavy:\n")
    assert all(verb in output for verb in cli.VERBS)


@pytest.mark.parametrize("name", cli.VERBS)
def test_help_of_a_verb_imports_nothing_heavy(name):
    output = imported_by(name, "--help")
    assert output.endswith("heavy:\n")
    assert f"usage: tfproductgan {name}" in output


def test_python_m_runs_the_command():
    done = subprocess.run([sys.executable, "-m", "tfproductgan", "--version"], capture_output=True, text=True)
    assert done.stdout == f"tfproductgan {tfproductgan.__version__}\n"


def test_a_verb_gets_its_options_and_gives_the_exit_code(verb):
    verb(lambda args: args.number)
    assert cli.main(["try", "--number", "0"]) == 0
    assert cli.main(["try", "--number", "3"]) == 3


@pytest.mark.parametrize(
    "error, line",
    [
        (RunError("No run in 'x'.\n  Try another."), "tfproductgan: error: No run in 'x'. Try another.\n"),
        (
            PermissionError(13, "Permission denied", "out"),
            "tfproductgan: error: [Errno 13] Permission denied: 'out'\n",
        ),
    ],
)
def test_an_error_is_one_line_and_exit_code_1(verb, capsys, error, line):
    verb(raises(error))
    assert cli.main(["try"]) == 1
    assert capsys.readouterr().err == line


def test_ctrl_c_is_exit_code_130(verb, capsys):
    verb(raises(KeyboardInterrupt()))
    assert cli.main(["try"]) == 130
    assert capsys.readouterr().err.strip() == "tfproductgan: interrupted. The same command starts again"


def test_ctrl_c_can_say_how_to_go_on(verb, capsys):
    verb(raises(KeyboardInterrupt("The same command goes on")))
    assert cli.main(["try"]) == 130
    assert capsys.readouterr().err.strip() == "tfproductgan: interrupted. The same command goes on"


def test_a_mistake_of_ours_is_not_hidden(verb):
    verb(raises(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        cli.main(["try"])


@pytest.mark.parametrize(
    "words, prog, said",
    [
        (["try", "--number", "many"], "tfproductgan try", "--number"),
        (["try", "--num", "1"], "tfproductgan try", "--num"),
        (["inspec"], "tfproductgan", "no verb 'inspec': did you mean 'inspect'?"),
    ],
)
def test_words_that_are_no_command_are_one_line_and_exit_code_2(verb, capsys, words, prog, said):
    with pytest.raises(SystemExit) as stop:
        cli.main(words)
    assert stop.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{prog}: error: ") and said in line and f"'{prog} --help'" in line


def test_no_verb_prints_the_help_and_is_exit_code_2(capsys):
    assert cli.main([]) == 2
    assert "generate" in capsys.readouterr().err


def test_a_reader_that_stops_reading_is_no_error():
    code = (
        "import sys, types\nfrom tfproductgan.cli import main as cli\n"
        "verb = types.ModuleType('verb'); verb.HELP = ''; verb.add_arguments = lambda parser: None\n"
        "verb.run = lambda args: print('line\\n' * 100_000) or 0\n"
        "sys.modules['tfproductgan.cli.try'] = verb; cli.VERBS['try'] = ''\n"
        "sys.exit(cli.main(['try']))"
    )
    writer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    writer.stdout.readline()
    writer.stdout.close()
    assert writer.stderr.read() == b""
    writer.stderr.close()
    assert writer.wait() == 0
