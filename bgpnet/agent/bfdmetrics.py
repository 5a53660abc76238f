"""The part of the metrics that tells of BFD: one series a peer that is watched."""

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from bgpnet.model.peerstatus import UP, PeerStatus


def bfd_metrics(peers: Iterable[PeerStatus]) -> Iterator[Metric]:
    """States, times and counters. The counters begin anew with `bgpnet bfd`."""
    up = _gauge("session_up", "Whether the BFD session is Up: 1 or 0.")
    failed = _gauge("session_failed", "Whether it was up and ended, so that the peer is not used: 1 or 0.")
    since = _gauge("session_state_change_timestamp_seconds", "When the BFD session entered its state.")
    interval = _gauge("transmit_interval_seconds", "Time between packets to the peer, as agreed.")
    detection = _gauge("detection_time_seconds", "Silence of the peer that ends the session, as agreed.")
    flaps = _counter("session_flaps", "Times that the BFD session left Up.")
    sent = _counter("packets_sent", "BFD packets sent to the peer.")
    received = _counter("packets_received", "BFD packets of the peer that were taken.")
    dropped = CounterMetricFamily(
        "bgpnet_bfd_packets_dropped",
        "BFD packets of the peer that were not taken, by reason.",
        labels=["peer", "reason"],
    )
    for peer in peers:
        bfd = peer.bfd
        if bfd is None:
            continue
        of = [peer.peer]
        up.add_metric(of, bfd.state == UP)
        failed.add_metric(of, bfd.failed)
        since.add_metric(of, bfd.since)
        interval.add_metric(of, bfd.interval / 1000)
        detection.add_metric(of, bfd.detection / 1000)
        flaps.add_metric(of, bfd.flaps)
        sent.add_metric(of, bfd.sent)
        received.add_metric(of, bfd.received)
        for reason, count in sorted(bfd.dropped.items()):
            dropped.add_metric([peer.peer, reason], count)
    told = (up, failed, since, interval, detection, flaps, sent, received, dropped)
    yield from (metric for metric in told if metric.samples)


def _gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"bgpnet_bfd_{name}", text, labels=["peer"])


def _counter(name: str, text: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"bgpnet_bfd_{name}", text, labels=["peer"])
