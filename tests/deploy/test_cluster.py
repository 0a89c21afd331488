"""The chart in a real cluster's API: installed, upgraded, rolled back, taken out; two at once (7.M3)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cluster as control_plane
import pytest
import yaml
from cluster import Cluster
from conftest import CHART, ROOT, Run, said
from harness.holds import holds

FIXTURE = Path(__file__).parent / "fixtures" / "tradewise-otel-0.1.0"
MINIMAL = CHART / "examples" / "minimal.yaml"
WAIT = ("--wait", "--timeout", "120s")

pytestmark = pytest.mark.skipif(
    not os.environ.get("TRADEWISE_DEPLOY"), reason="a control plane takes its time: make test-deploy"
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One control plane with one node and a dozen volumes."""
    if absent := control_plane.missing():
        pytest.skip(f"{', '.join(absent)} not built: make test-deploy builds them, with Go")
    with Cluster(tmp_path_factory.mktemp("cluster")) as running:
        for number in range(12):
            running.kubectl("apply", "-f", "-", manifest=_volume(number))
        yield running


@pytest.fixture
def deploy(cluster: Cluster, helm: Run) -> Run:
    """`helm …` in the cluster; fails with what it says."""

    def call(*words: object) -> str:
        done = helm(*words, "--kubeconfig", cluster.kubeconfig)
        assert done.returncode == 0, done.stdout + done.stderr
        return str(done.stdout)

    return call


def _volume(number: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"volume-{number}"},
        "spec": {
            "capacity": {"storage": "5Gi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": f"/volumes/{number}"},
        },
    }


def _namespace(cluster: Cluster, name: str, **labels: str) -> str:
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    cluster.kubectl("apply", "-f", "-", manifest=manifest)
    for secret, data in {
        "datadog": {"api-key": "eA=="},
        "gateway-token": {"token": "eA=="},
        "gateway-tls": {"tls.crt": "eA==", "tls.key": "eA==", "ca.crt": "eA=="},
        "redis": {"url": "eA=="},
    }.items():
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": secret, "namespace": name},
            "data": data,
        }
        cluster.kubectl("apply", "-f", "-", manifest=body)
    return name


def _claims(cluster: Cluster, namespace: str) -> dict[str, str]:
    return {claim["metadata"]["name"]: claim["metadata"]["uid"] for claim in cluster.get("pvc", namespace)}


def _one(cluster: Cluster, kind: str, namespace: str) -> dict[str, Any]:
    (found,) = cluster.get(kind, namespace)
    return found


@holds("7.M3")
def test_an_upgrade_keeps_the_queues(cluster: Cluster, deploy: Run) -> None:
    """From the chart 0.1.0 to this one and back: the same StatefulSet, the same claims, which outlive it."""
    namespace = _namespace(cluster, "upgraded")
    deploy("install", "otel", FIXTURE, "-n", namespace, "-f", MINIMAL, *WAIT)
    before, claims = _one(cluster, "statefulset", namespace), _claims(cluster, namespace)
    assert sorted(claims) == ["queue-otel-tradewise-otel-gateway-0", "queue-otel-tradewise-otel-gateway-1"]
    deploy("upgrade", "otel", CHART, "-n", namespace, "-f", MINIMAL, "--set", "gateway.memoryMiB=600", *WAIT)
    after = _one(cluster, "statefulset", namespace)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["spec"]["volumeClaimTemplates"] == before["spec"]["volumeClaimTemplates"]
    assert _claims(cluster, namespace) == claims
    assert after["metadata"]["generation"] > before["metadata"]["generation"]
    deploy("rollback", "otel", "1", "-n", namespace, *WAIT)
    assert _claims(cluster, namespace) == claims
    assert _one(cluster, "statefulset", namespace)["metadata"]["uid"] == before["metadata"]["uid"]
    deploy("uninstall", "otel", "-n", namespace, "--wait")
    assert _claims(cluster, namespace) == claims
    assert not cluster.get("statefulset,daemonset,service,poddisruptionbudget,networkpolicy", namespace)


@holds("7.M3")
def test_two_releases_stand_beside_each_other(cluster: Cluster, deploy: Run) -> None:
    """In one namespace and with Kafka in another: all roll out, and taking one out leaves the others."""
    namespace, other = _namespace(cluster, "shared"), _namespace(cluster, "other")
    deploy("install", "shop", CHART, "-n", namespace, "-f", MINIMAL, *WAIT)
    deploy("install", "ledger", CHART, "-n", namespace, "-f", CHART / "examples" / "stdout-road.yaml", *WAIT)
    kafka = ("-f", CHART / "examples" / "kafka.yaml", "--set", "serviceMonitor.enabled=false")
    deploy("install", "shop", CHART, "-n", other, *kafka, *WAIT)
    assert len(cluster.get("statefulset", namespace)) == 2
    assert len(_claims(cluster, namespace)) == 4
    deploy("uninstall", "shop", "-n", namespace, "--wait")
    left = _one(cluster, "statefulset", namespace)
    assert left["metadata"]["name"] == "ledger-tradewise-otel-gateway"
    assert left["status"]["readyReplicas"] == 2
    # Autoscaled, so one to begin with.
    assert _one(cluster, "statefulset", other)["status"]["readyReplicas"] >= 1


@holds("7.M3")
def test_a_restricted_namespace_takes_gateway_and_backend(cluster: Cluster, deploy: Run) -> None:
    """Under the level `restricted` gateways and the documented backend run; the agent may not."""
    namespace = _namespace(cluster, "strict", **{"pod-security.kubernetes.io/enforce": "restricted"})
    deploy("install", "otel", CHART, "-n", namespace, "-f", MINIMAL, "--set", "agent.enabled=false", *WAIT)
    cluster.kubectl("apply", "-n", namespace, "-f", "-", manifest=_documented_backend())
    cluster.kubectl("rollout", "status", "deployment/orders", "-n", namespace, "--timeout=60s")
    pods = {
        pod["metadata"]["name"].rsplit("-", 1)[0]: pod["status"]["phase"]
        for pod in cluster.get("pod", namespace)
    }
    assert set(pods.values()) == {"Running"}
    deploy("upgrade", "otel", CHART, "-n", namespace, "-f", MINIMAL)
    assert _one(cluster, "daemonset", namespace)["status"].get("numberReady", 0) == 0


def _documented_backend() -> dict[str, Any]:
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    (manifest,) = re.findall(r"```yaml\n(apiVersion: apps/v1\nkind: Deployment\n.*?)```", text, re.DOTALL)
    found: dict[str, Any] = yaml.safe_load(manifest)
    return found


@holds("7.M4")
def test_no_secret_is_in_what_the_cluster_holds(cluster: Cluster, deploy: Run) -> None:
    """Neither the release's own record nor any object but the Secrets has what they hold."""
    namespace = _namespace(cluster, "secretive")
    canary = "Y2FuYXJ5LXZhbHVl"
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "datadog", "namespace": namespace},
        "data": {"api-key": canary},
    }
    cluster.kubectl("apply", "-f", "-", manifest=body)
    deploy("install", "otel", CHART, "-n", namespace, "-f", MINIMAL, *WAIT)
    manifests = deploy("get", "all", "otel", "-n", namespace)
    everything = cluster.kubectl("get", "all,configmap,serviceaccount", "-n", namespace, "-o", "yaml")
    for text in (manifests, everything):
        assert canary not in text
        assert "canary-value" not in text


def test_the_api_server_finds_a_planted_fault(cluster: Cluster, helm: Run, tmp_path: Path) -> None:
    """A misspelt key in a manifest is refused by the real API: the other tests could fail."""
    file = tmp_path / "manifests.yaml"
    text = helm("template", "otel", CHART, "-f", MINIMAL).stdout
    file.write_text(text.replace("podManagementPolicy:", "podManagmentPolicy:"))
    assert "podManagmentPolicy" in file.read_text()
    kubectl = control_plane.tools.find("kubectl")
    words = ("apply", "--dry-run=server", "--validate=strict", "-f", file)
    done = said(kubectl, "--kubeconfig", cluster.kubeconfig, *words)
    assert done.returncode != 0
    assert "podManagmentPolicy" in done.stderr
