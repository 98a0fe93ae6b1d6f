"""The files that run the platform elsewhere: each is what its schema allows, and they fit each other."""

import configparser
import contextlib
import importlib.util
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from compose_viz.spec.compose_spec import ComposeSpecification
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

DEPLOY = Path(__file__).parents[2] / "deploy"
KUBERNETES = DEPLOY / "kubernetes" / "platform"
OVERLAYS = ("small", "production")

needs_kubectl = pytest.mark.skipif(not shutil.which("kubectl"), reason="needs kubectl, for kustomize")


def resources(*folders):
    """Every resource of the base and of an overlay, before anything is patched."""
    files = [file for folder in folders for file in sorted((KUBERNETES / folder).glob("*.yaml"))]
    texts = [file.read_text(encoding="utf-8") for file in files]
    found = [part for text in texts for part in yaml.safe_load_all(text)]
    return [part for part in found if isinstance(part, dict) and part["kind"] != "Kustomization"]


@pytest.fixture(scope="module")
def built():
    """What `kubectl apply -k` would send, by overlay."""
    found = {}
    for name in OVERLAYS:
        command = ["kubectl", "kustomize", KUBERNETES / "overlays" / name]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found[name] = list(yaml.safe_load_all(text))
    return found


def of_kind(parts, kind):
    return {part["metadata"]["name"]: part for part in parts if part["kind"] == kind}


def flags(words):
    return dict(word.partition("=")[::2] for word in words)


def test_pods_may_do_no_more_than_they_need():
    for deployment in of_kind(resources("base"), "Deployment").values():
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] and not context["allowPrivilegeEscalation"]
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
            assert {"readinessProbe", "livenessProbe", "startupProbe"} <= container.keys()


def test_there_is_time_to_finish_what_is_in_flight():
    pytest.importorskip("fastapi", reason="needs the extra 'platform'")
    from tfproductgan.platform import running

    gateway = of_kind(resources("base"), "Deployment")["gateway"]["spec"]["template"]["spec"]
    assert gateway["terminationGracePeriodSeconds"] >= running._GRACE_SECONDS + 5
    compose = yaml.safe_load((DEPLOY / "platform" / "compose.yaml").read_text(encoding="utf-8"))
    assert int(compose["services"]["gateway"]["stop_grace_period"].rstrip("s")) > running._GRACE_SECONDS


def test_the_command_is_one_that_there_is():
    from tfproductgan.cli import main as cli

    dockerfile = (DEPLOY / "platform" / "Dockerfile").read_text(encoding="utf-8")
    entry = re.findall(r'"([^"]+)"', re.search(r"^ENTRYPOINT (.*)$", dockerfile, re.M)[1])
    [container] = of_kind(resources("base"), "Deployment")["gateway"]["spec"]["template"]["spec"]["containers"]
    compose = yaml.safe_load((DEPLOY / "platform" / "compose.yaml").read_text(encoding="utf-8"))
    for words in (container["args"], compose["services"]["gateway"]["command"]):
        given = [*entry[1:], *words]
        args = cli._parser(given).parse_args(given)
        assert (entry[0], args.host, args.engine) == ("tfproductgan", "0.0.0.0", "grpc://serving:8500")


def test_settings_are_ones_that_there_are():
    pytest.importorskip("fastapi", reason="needs the extra 'platform'")
    from tfproductgan.platform.settings import Settings

    texts = [file.read_text(encoding="utf-8") for file in DEPLOY.rglob("*") if file.is_file()]
    named = {name.lower() for text in texts for name in re.findall(r"TFPRODUCTGAN_PLATFORM_(\w+)", text)}
    assert named and named <= Settings.model_fields.keys()


def test_the_image_holds_what_the_extra_names_and_no_tensorflow():
    config = configparser.ConfigParser()
    config.read(DEPLOY.parent / "setup.cfg", encoding="utf-8")
    extras = config["options.extras_require"]
    needed = [extras[extra] for extra in ("platform", "serving", "s3", "oidc")]
    lines = "\n".join([config["options"]["install_requires"], *needed])
    known = {re.match(r"[\w-]+", line)[0]: line for line in [*lines.split(), *extras["postgresql"].split()]}
    wanted = (DEPLOY / "platform" / "requirements.txt").read_text(encoding="utf-8")
    wanted = {re.match(r"[\w-]+", line)[0]: line for line in wanted.splitlines() if not line.startswith("#")}
    assert set(re.findall(r"^[\w-]+", extras["platform"], re.M)) - {"tfproductgan"} <= wanted.keys()
    for name, line in wanted.items():
        assert line.replace("limits[redis]", "limits") == known[name]
    assert not wanted.keys() & {"tensorflow", "keras"}


def test_no_package_of_the_image_asks_for_code_of_ones_own():
    wanted = (DEPLOY / "platform" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    looked, left = {}, [Requirement(line) for line in wanted if not line.startswith("#")]
    while left:
        asked = left.pop()
        known = canonicalize_name(asked.name), tuple(asked.extras)
        with contextlib.suppress(metadata.PackageNotFoundError):
            if known not in looked:
                package = metadata.distribution(asked.name)
                said = package.metadata
                licences = [said.get("License-Expression") or "", *(said.get_all("Classifier") or [])]
                looked[known] = " ".join(text for text in licences if "::" not in text or text.startswith("License ::"))
                needed = map(Requirement, package.requires or [])
                left += [each for each in needed if applies(each, asked.extras)]
    assert len(looked) > 30
    assert not {name: text for name, text in looked.items() if re.search(r"(?<!Lesser )General Public|(?<!L)GPL", text)}


def applies(needed, extras):
    return needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in (*extras, ""))


def test_the_engine_is_started_as_on_one_machine():
    [container] = of_kind(resources("base"), "Deployment")["serving"]["spec"]["template"]["spec"]["containers"]
    alone = yaml.safe_load((DEPLOY / "tensorflow-serving" / "compose.yaml").read_text(encoding="utf-8"))
    beside = yaml.safe_load((DEPLOY / "platform" / "compose.yaml").read_text(encoding="utf-8"))
    expected = flags(alone["services"]["serving"]["command"])
    assert flags(beside["services"]["serving"]["command"]) == expected
    given = flags(container["args"])
    assert given.items() >= expected.items()
    # a request for so many CPUs is what the autoscaler measures use by
    assert given["--tensorflow_intra_op_parallelism"] == container["resources"]["requests"]["cpu"]
    kustomization = yaml.safe_load((DEPLOY / "tensorflow-serving" / "kustomization.yaml").read_text(encoding="utf-8"))
    [files] = [generated["files"] for generated in kustomization["configMapGenerator"]]
    assert {Path(value).name for flag, value in expected.items() if flag.endswith("_file")} <= set(files)


def test_what_the_policies_let_through_is_what_is_asked():
    parts = resources("base")
    policies = of_kind(parts, "NetworkPolicy")
    assert policies["nobody"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    labels = {
        name: each["spec"]["template"]["metadata"]["labels"] for name, each in of_kind(parts, "Deployment").items()
    }
    for name, label in labels.items():
        assert policies[name]["spec"]["podSelector"]["matchLabels"] == label
        assert of_kind(parts, "Service")[name]["spec"]["selector"] == label
    [to] = policies["gateway"]["spec"]["egress"][0]["to"]
    assert to["podSelector"]["matchLabels"] == labels["serving"]


def test_the_compose_file_follows_the_schema_and_lets_only_this_machine_in():
    compose = yaml.safe_load((DEPLOY / "platform" / "compose.yaml").read_text(encoding="utf-8"))
    ComposeSpecification.model_validate(compose)
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert ports == ["127.0.0.1:8080:8080"]


@needs_kubectl
@pytest.mark.parametrize("name", OVERLAYS)
def test_overlays_are_whole(built, name):
    parts = built[name]
    assert {part["metadata"].get("namespace", "tfproductgan") for part in parts} == {"tfproductgan"}
    names = {(part["kind"], part["metadata"]["name"]) for part in parts}
    for deployment in of_kind(parts, "Deployment").values():
        pod = deployment["spec"]["template"]["spec"]
        for volume in pod["volumes"]:
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in names
            if "persistentVolumeClaim" in volume:
                assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in names
        for source in pod["containers"][0].get("envFrom", ()):
            [(kind, reference)] = source.items()
            assert ({"configMapRef": "ConfigMap", "secretRef": "Secret"}[kind], reference["name"]) in names


@needs_kubectl
def test_production_grows_and_is_never_without_a_pod(built):
    parts = built["production"]
    deployments = of_kind(parts, "Deployment")
    scalers = of_kind(parts, "HorizontalPodAutoscaler")
    assert scalers.keys() == deployments.keys() == of_kind(parts, "PodDisruptionBudget").keys()
    for name, scaler in scalers.items():
        assert scaler["spec"]["minReplicas"] >= 2 and "replicas" not in deployments[name]["spec"]
        assert scaler["spec"]["scaleTargetRef"]["name"] == name
    [small] = [d for d in of_kind(built["small"], "Deployment").values() if d["metadata"]["name"] == "gateway"]
    assert (small["spec"]["replicas"], small["spec"]["strategy"]) == (1, {"type": "Recreate"})


@needs_kubectl
@pytest.mark.skipif(not importlib.util.find_spec("kubernetes_validate"), reason="needs kubernetes-validate")
@pytest.mark.parametrize("name", OVERLAYS)
def test_kubernetes_knows_every_field(built, name):
    import kubernetes_validate

    for part in built[name]:
        kubernetes_validate.validate(part, kubernetes_validate.latest_version(), strict=True)
