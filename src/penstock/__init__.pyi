from penstock.offline import LLM as LLM
from penstock.offline import BeamSearchParams as BeamSearchParams
from penstock.offline import CompletionOutput as CompletionOutput
from penstock.offline import RequestOutput as RequestOutput
from penstock.offline import SamplingParams as SamplingParams

__version__: str
