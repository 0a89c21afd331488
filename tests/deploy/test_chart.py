"""The chart as it is rendered: strict, Kubernetes' own schemas, what contradicts itself is refused."""

from __future__ import annotations

import difflib
import json
import os
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from conftest import CHART, EXAMPLES, Run, program, said
from harness.holds import holds

from tradewise_otel.assets import collector_dir

GOLDEN = Path(__file__).parent / "golden"
KUBERNETES = "1.36.0"
SECRETS = re.compile(r"password|api[-_]?key|token", re.IGNORECASE)
each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)


def rendered(helm: Run, *words: object, name: str = "shop") -> list[dict[str, Any]]:
    """The manifests of a release."""
    done = helm("template", name, CHART, "--namespace", "monitoring", *words)
    assert done.returncode == 0, done.stderr
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def without_layers(manifests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same without the Collector's layers, which have goldens of their own, and what is made of them."""
    for manifest in manifests:
        if manifest["kind"] == "ConfigMap":
            manifest["data"] = {
                k: v for k, v in manifest["data"].items() if "--" not in k and k != "roles.json"
            }
        annotations = manifest.get("spec", {}).get("template", {}).get("metadata", {}).get("annotations", {})
        if "checksum/config" in annotations:
            annotations["checksum/config"] = "…"
    return manifests


@each_example
def test_an_example_passes_the_linter(helm: Run, example: Path) -> None:
    """`helm lint --strict`, the schema of the values included."""
    done = helm("lint", "--strict", CHART, "-f", example)
    assert done.returncode == 0, done.stdout + done.stderr


@each_example
def test_an_example_gives_what_it_gave(helm: Run, example: Path) -> None:
    """The manifests of each example are those in golden/; TRADEWISE_GOLDEN=write accepts new ones."""
    text = yaml.safe_dump_all(without_layers(rendered(helm, "-f", example)), sort_keys=True)
    golden = GOLDEN / f"{example.stem}.yaml"
    if os.environ.get("TRADEWISE_GOLDEN") == "write":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    wanted = golden.read_text()
    assert text == wanted, "\n".join(
        difflib.unified_diff(wanted.splitlines(), text.splitlines(), lineterm="")
    )


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kubernetes' schemas as kubeconform wants them: without the web addresses that it would ask."""
    out = tmp_path_factory.mktemp("schemas")
    source = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    version = ".".join(KUBERNETES.split(".")[:2])
    (folder,) = source.glob(f"v{version}*-local-strict")
    target = out / f"v{KUBERNETES}-strict"
    target.mkdir()
    for path in folder.glob("*.json"):
        found = json.loads(path.read_text().replace("/api/_definitions.json#", "_definitions.json#"))
        found.pop("$id", None)
        (target / path.name).write_text(json.dumps(found))
    return out


@each_example
def test_kubernetes_knows_every_manifest(helm: Run, schemas: Path, tmp_path: Path, example: Path) -> None:
    """kubeconform, strictly, against Kubernetes' own schemas; a planted key is found."""
    manifests = [one for one in rendered(helm, "-f", example) if one["kind"] != "ServiceMonitor"]
    file = tmp_path / "manifests.yaml"
    pattern = "{{.NormalizedKubernetesVersion}}{{.StrictSuffix}}/{{.ResourceKind}}{{.KindSuffix}}.json"
    words = ["-strict", "-kubernetes-version", KUBERNETES, "-schema-location", f"{schemas}/{pattern}", file]
    file.write_text(yaml.safe_dump_all(manifests))
    done = said(program("kubeconform"), *words)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    manifests[0]["spec"]["planted"] = True
    file.write_text(yaml.safe_dump_all(manifests))
    assert "planted" in said(program("kubeconform"), *words).stdout


def test_the_suites_of_the_chart_pass() -> None:
    """helm-unittest's suites, which stand beside the chart."""
    done = said(program("helm-unittest"), "--strict", "--file", "unittests/*_test.yaml", CHART)
    assert done.returncode == 0, done.stdout + done.stderr


CONTRADICTIONS = [
    ({"datadog.apiKeySecret.name": ""}, "datadog.apiKeySecret.name"),
    ({"security.tokenSecret.name": ""}, "security: name tlsSecret"),
    ({"agent.podLogs.enabled": "true"}, "both roads at once"),
    ({"backend.road": "stdout"}, "nobody would read the lines"),
    ({"backend.replicas": "3"}, "backend.redisSecret.name"),
    ({"kafka.enabled": "true"}, "kafka.brokers"),
    ({"kafka.enabled": "true", "kafka.brokers": "a:1", "agent.enabled": "false"}, "without agent.enabled"),
    ({"gateway.overlays": "{tail-sampling}"}, "one trace must come to one gateway"),
    ({"gateway.autoscaling.enabled": "true", "gateway.autoscaling.maxReplicas": "1"}, "maxReplicas is below"),
    ({"gatway.replicas": "1"}, "'gatway' not allowed"),
    ({"gateway.replcas": "1"}, "'replcas' not allowed"),
    ({"gateway.replicas": "0"}, "/gateway/replicas"),
    ({"gateway.sampleRate": "2"}, "/gateway/sampleRate"),
    ({"kafka.brokers": "nothing"}, "/kafka/brokers"),
]


@pytest.mark.parametrize(("values", "says"), CONTRADICTIONS, ids=[says for _, says in CONTRADICTIONS])
def test_what_contradicts_itself_is_refused(helm: Run, values: dict[str, str], says: str) -> None:
    """No manifest comes of values that cannot work; the message names the value, and mostly the remedy."""
    sets = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
    done = helm("template", "shop", CHART, "-f", CHART / "examples" / "minimal.yaml", *sets)
    assert done.returncode != 0
    assert says in done.stderr


def test_two_releases_share_no_name(helm: Run) -> None:
    """In one namespace or in two: names, selectors, and the node's folder are the release's own."""
    minimal = CHART / "examples" / "minimal.yaml"
    one, other = (rendered(helm, "-f", minimal, name=name) for name in ("shop", "ledger"))
    names = [{(m["kind"], m["metadata"]["name"]) for m in release} for release in (one, other)]
    assert not names[0] & names[1]
    paths = [re.findall(r"'path': '(/var/lib[^']+)'", str(release)) for release in (one, other)]
    assert paths[0]
    assert not set(paths[0]) & set(paths[1])


@holds("7.M3")
@each_example
def test_the_gateway_is_restricted(helm: Run, example: Path) -> None:
    """Gateway and test pod ask for nothing that the Pod Security level `restricted` forbids."""
    for manifest in rendered(helm, "-f", example):
        if manifest["kind"] in ("StatefulSet", "Pod"):
            spec = manifest["spec"] if manifest["kind"] == "Pod" else manifest["spec"]["template"]["spec"]
            assert spec["securityContext"]["runAsNonRoot"] is True
            assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
            assert not [volume for volume in spec.get("volumes", []) if "hostPath" in volume]
            for container in spec["containers"]:
                own = container["securityContext"]
                assert (own["allowPrivilegeEscalation"], own["capabilities"]) == (False, {"drop": ["ALL"]})
                assert own["readOnlyRootFilesystem"] is True


@holds("7.M4")
@each_example
def test_secrets_are_references(helm: Run, example: Path) -> None:
    """No Secret is rendered, and what is called a key or a token is a reference to one."""
    manifests = rendered(helm, "-f", example)
    assert not [manifest for manifest in manifests if manifest["kind"] == "Secret"]
    for manifest in without_layers(manifests):
        for container in _containers(manifest):
            for variable in container.get("env", []):
                if SECRETS.search(variable["name"]) and not variable["name"].endswith(("_KEY", "_CA")):
                    assert "secretKeyRef" in variable["valueFrom"]
                if variable["name"] == "DD_API_KEY":
                    assert "secretKeyRef" in variable["valueFrom"]


def _containers(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    spec = manifest.get("spec", {})
    return list(spec.get("template", {}).get("spec", spec).get("containers", []))


def test_nobody_asks_kubernetes_anything(helm: Run) -> None:
    """No Role, no binding, and no pod gets a token."""
    for example in EXAMPLES:
        for manifest in rendered(helm, "-f", example):
            assert "Role" not in manifest["kind"]
            if manifest["kind"] in ("DaemonSet", "StatefulSet"):
                assert manifest["spec"]["template"]["spec"]["automountServiceAccountToken"] is False


def test_the_layers_are_those_of_the_checkout(helm: Run, launcher: Path, tmp_path: Path) -> None:
    """The mounted ConfigMap is `collector/` file by file, and the launcher starts every pod with it."""
    for example in EXAMPLES:
        manifests = rendered(helm, "-f", example)
        maps = {m["metadata"]["name"]: m["data"] for m in manifests if m["kind"] == "ConfigMap"}
        for manifest in manifests:
            if manifest["kind"] not in ("DaemonSet", "StatefulSet"):
                continue
            folder = tmp_path / example.stem / manifest["metadata"]["name"]
            spec = manifest["spec"]["template"]["spec"]
            (volume,) = [volume for volume in spec["volumes"] if volume["name"] == "config"]
            for item in volume["configMap"]["items"]:
                path = folder / item["path"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(maps[volume["configMap"]["name"]][item["key"]])
                if item["path"] != "extras.yaml":
                    assert path.read_text().rstrip() == (collector_dir() / item["path"]).read_text().rstrip()
            (container,) = spec["containers"]
            environ = {one["name"]: one.get("value", "a reference") for one in container["env"]}
            done = said(launcher, *container["args"], f"--dir={folder}", "--print", **environ)
            assert (done.returncode, done.stderr) == (0, "")


def test_a_change_of_the_layers_restarts_the_pods(helm: Run) -> None:
    """The checksum in the pods' annotations follows the ConfigMap; other values leave it."""
    minimal = CHART / "examples" / "minimal.yaml"

    def checksums(*words: object) -> set[str]:
        return {
            manifest["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
            for manifest in rendered(helm, "-f", minimal, *words)
            if manifest["kind"] in ("DaemonSet", "StatefulSet")
        }

    assert checksums() == checksums("--set", "gateway.replicas=3")
    assert checksums() != checksums("--set", "gateway.extras.processors.x.y=1")


def test_the_grace_fits_what_stopping_takes(helm: Run) -> None:
    """Kubernetes waits longer than a Collector needs to stop with an intake that never answers (2.M5)."""
    from tradewise_otel.tools.collector.process import STOP_SECONDS

    for manifest in rendered(helm, "-f", CHART / "examples" / "minimal.yaml"):
        if manifest["kind"] in ("DaemonSet", "StatefulSet"):
            grace = manifest["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
            # With overlay datadog-exporter-only it takes 30 s more.
            assert grace >= STOP_SECONDS + 30
