"""Everything is tested with torch's operations and with the native ones."""

import pytest

from penstock.kernels.cpu.sample import NativeSampling
from penstock.workers.sampler.ops import SamplingOps, TorchSampling


@pytest.fixture(scope="session", params=["torch", "native"])
def ops(request: pytest.FixtureRequest) -> SamplingOps:
    if request.param == "torch":
        return TorchSampling()
    library, team_of = (request.getfixturevalue(name) for name in ("cpu_library", "cpu_team"))
    return NativeSampling(library, team_of(2))
