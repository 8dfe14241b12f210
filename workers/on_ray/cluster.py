"""A rank's place in a Ray cluster. Knows Ray's actors and placement groups, not what runs in them.

All ranks of one start share a placement group, made by the first: there is room for all of them, or none starts.
"""

import logging
import os
import time
import uuid
from typing import Any

import ray
from ray.util.placement_group import PlacementGroup, get_placement_group, placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from penstock.protocol.errors import SettingsError
from penstock.workers.link import LinkSettings
from penstock.workers.on_ray.actor import RankActor

NAMESPACE = "penstock"
ROOM_TIMEOUT_S = 60.0
POLL_S = 0.1


def connect(*, shows_logs: bool) -> None:
    """To the cluster that RAY_ADDRESS names, or that runs on this host. Raises SettingsError.

    Whoever shows logs shows those of all ranks.
    """
    address = os.environ.get("RAY_ADDRESS", "auto")
    try:
        ray.init(
            address=address,
            namespace=NAMESPACE,
            log_to_driver=shows_logs,
            logging_level=logging.WARNING,
        )
    except ConnectionError as error:
        raise SettingsError(
            f"no Ray cluster at {address!r}: `ray start --head` here and `ray start --address=HOST:6379` on the "
            "other hosts begin one"
        ) from error


def start_actor(place: LinkSettings) -> Any:
    """This rank's actor; the first rank's makes room for all. Raises SettingsError."""
    name = _name_of(place)
    bundle = _bundle(place.world_size)
    group = _room(name, bundle, place.world_size) if place.rank == 0 else _room_made(name)
    strategy = PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=place.rank)
    options: dict[str, Any] = {
        "name": f"{name}-{place.rank}",
        "scheduling_strategy": strategy,
        "num_cpus": bundle.get("CPU", 0),
        "num_gpus": bundle.get("GPU", 0),
        "max_concurrency": 2,
    }
    return ray.remote(RankActor).options(**options).remote()


def meeting(place: LinkSettings) -> str:
    """Where this start's ranks find each other: an address on the first rank's host."""
    name, end = f"{_name_of(place)}-0", time.monotonic() + ROOM_TIMEOUT_S
    while True:
        try:
            first: Any = ray.get_actor(name)
        except ValueError as error:  # not there yet
            _wait_on(end, f"rank 0 did not come: {error}")
        else:
            address: str = ray.get(first.meeting.remote())
            return address


def check_runs(run: Any) -> None:
    """Raises what ended an actor's call, and SettingsError where it simply ended."""
    if ray.wait([run], timeout=0)[0]:
        status: Any = ray.get(run)
        raise SettingsError(f"the worker ended with status {status} before it was connected")


def _name_of(place: LinkSettings) -> str:
    """Of this start alone: its rendezvous is a name that no other start has."""
    return f"penstock-{uuid.uuid5(uuid.NAMESPACE_URL, place.rendezvous)}"


def _bundle(world_size: int) -> dict[str, float]:
    """What a rank takes: a GPU where there are enough, else a processor."""
    untyped: Any = ray
    has_gpus = untyped.cluster_resources().get("GPU", 0) >= world_size
    return {"GPU": 1} if has_gpus else {"CPU": 1}


def _room(name: str, bundle: dict[str, float], world_size: int) -> PlacementGroup:
    untyped: Any = ray
    group: PlacementGroup = placement_group([bundle] * world_size, strategy="PACK", name=name)
    if not group.wait(ROOM_TIMEOUT_S):
        have = {kind: untyped.available_resources().get(kind, 0) for kind in bundle}
        raise SettingsError(
            f"the Ray cluster has no room for {world_size} ranks of {bundle} each; free are {have}"
        )
    return group


def _room_made(name: str) -> PlacementGroup:
    end = time.monotonic() + ROOM_TIMEOUT_S
    while True:
        try:
            group: PlacementGroup = get_placement_group(name)
        except ValueError as error:
            _wait_on(end, f"rank 0 made no room in the Ray cluster: {error}")
            continue
        if not group.wait(max(1.0, end - time.monotonic())):
            raise SettingsError("the Ray cluster has no room for all ranks")
        return group


def _wait_on(end: float, reason: str) -> None:
    if time.monotonic() > end:
        raise SettingsError(reason)
    time.sleep(POLL_S)
