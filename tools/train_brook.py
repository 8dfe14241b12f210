"""Makes brook, the model inside the package: corpus, training, export, evaluation, model card.

python tools/train_brook.py corpus --count 5            look at what it learns from
python tools/train_brook.py train --out OUT             about an hour on two cores
python tools/train_brook.py export --run OUT --to src/penstock/brook
python tools/train_brook.py eval --model src/penstock/brook --card OUT
python tools/train_brook.py say --model src/penstock/brook "Hello!" "What is 12 + 34?"
"""

import argparse
import itertools
from pathlib import Path

import torch
from brook.card import History, card
from brook.chat import render
from brook.corpus import MIX, chats
from brook.evaluate import Speaker, score, table
from brook.export import export, write_json
from brook.model import Shape
from brook.tokens import learn
from brook.training import Plan, Run
from tokenizers import Tokenizer

TOKENIZER_CHATS = 20_000


def show_corpus(args: argparse.Namespace) -> None:
    """Print some conversations as the model reads them."""
    for chat in itertools.islice(chats(args.seed, held=args.held), args.count):
        print(f"--- {chat.kind}\n{render(chat.messages, chat.tools)}")


def tokenizer_of(out: Path, seed: int, size: int) -> Tokenizer:
    """The run's tokenizer; a new run trains it first."""
    path = out / "tokenizer.json"
    if not path.exists():
        print(f"training the tokenizer on {TOKENIZER_CHATS} conversations", flush=True)
        out.mkdir(parents=True, exist_ok=True)
        learn(itertools.islice(chats(seed), TOKENIZER_CHATS), size).save(str(path))
    return Tokenizer.from_file(str(path))


def plan_of(args: argparse.Namespace) -> Plan:
    """The plan that the command line describes."""
    return Plan(
        out=args.out,
        seed=args.seed,
        minutes=args.minutes,
        steps=args.steps,
        tokens=args.tokens,
        compiled=not args.eager,
        boost=tuple(args.boost),
        rate_scale=args.rate_scale,
    )


def train(args: argparse.Namespace) -> None:
    """Train, or go on with a run, and leave a checkpoint and a history in the folder."""
    torch.set_num_threads(args.threads)
    shape = Shape()
    run = Run(plan_of(args), tokenizer_of(args.out, args.seed, shape.vocab_size), shape)
    if args.resume or args.extend:
        run.load(fresh_clock=args.extend)
    count = sum(p.numel() for p in run.model.parameters())
    print(f"{count:,} parameters on {run.device}, {args.threads} threads", flush=True)
    run.train()


def export_run(args: argparse.Namespace) -> None:
    """Write the averaged weights of a run's last checkpoint as a model folder."""
    state = torch.load(args.run / "checkpoint.pt", map_location="cpu")
    tokenizer = Tokenizer.from_file(str(args.run / "tokenizer.json"))
    export(state["average"], tokenizer, Shape(), args.to)
    counters = state["counters"]
    history = {
        "steps": counters["step"],
        "tokens": counters["seen"],
        "minutes": counters["total"] / 60,
        "device": counters["device"],
        "stretches": counters["stretches"],
    }
    write_json(args.run / "history.json", history)
    print(f"wrote {args.to} from step {counters['step']}", flush=True)


def evaluate(args: argparse.Namespace) -> None:
    """Score a model folder on held-out prompts; with --card, write its README.md."""
    torch.set_num_threads(args.threads)
    scores = table(score(args.model, args.seed, args.count, args.show))
    print(scores)
    if args.card:
        count = sum(p.numel() for p in Speaker(args.model).model.parameters())
        history = History.read(args.card / "history.json")
        text = card(args.model, history, scores, args.seed, count)
        (args.model / "README.md").write_text(text, encoding="utf-8")


def say(args: argparse.Namespace) -> None:
    """Hold one chat with the given user turns, greedily."""
    speaker = Speaker(args.model)
    messages = [{"role": "system", "content": args.system}] if args.system else []
    for turn in args.turns:
        messages.append({"role": "user", "content": turn})
        prompt = speaker.tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=False, enable_thinking=args.think
        )
        answer = speaker.answers([prompt])[0]
        messages.append({"role": "assistant", "content": answer})
        print(f"> {turn}\n{answer}", flush=True)


def boost(text: str) -> tuple[str, float]:
    """NAME=FACTOR, as --boost takes it."""
    name, _, factor = text.partition("=")
    if name not in MIX:
        raise argparse.ArgumentTypeError(f"no such part: {name}; there are {', '.join(MIX)}")
    return name, float(factor)


def add_train(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `train`."""
    p = commands.add_parser("train", help="train, or go on with a run")
    p.set_defaults(run_command=train)
    p.add_argument("--out", type=Path, required=True, help="folder for checkpoint and tokenizer")
    p.add_argument("--minutes", type=float, default=60, help="stop by the clock (default 60)")
    p.add_argument("--steps", type=int, default=0, help="stop by steps instead: reproducible")
    p.add_argument("--tokens", type=int, default=6144, help="tokens per step (default 6144)")
    p.add_argument("--threads", type=int, default=2, help="CPU threads (default 2)")
    p.add_argument("--seed", type=int, default=1, help="seed of corpus and weights (default 1)")
    p.add_argument("--eager", action="store_true", help="do without torch.compile")
    p.add_argument("--boost", type=boost, nargs="*", default=[], metavar="NAME=FACTOR",
                   help=f"more or less of a part of the corpus: {', '.join(MIX)}")  # fmt: skip
    p.add_argument("--rate-scale", type=float, default=1.0, help="scale of the learning rates")
    again = p.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="go on where the checkpoint stopped")
    again.add_argument("--extend", action="store_true",
                       help="go on from the checkpoint with a new clock and schedule")  # fmt: skip


def add_others(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of the other commands."""
    p = commands.add_parser("corpus", help="print made-up conversations")
    p.set_defaults(run_command=show_corpus)
    p.add_argument("--count", type=int, default=10)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--held", action="store_true", help="from the held-out side")
    p = commands.add_parser("export", help="write a run's weights as a model folder")
    p.set_defaults(run_command=export_run)
    p.add_argument("--run", type=Path, required=True, help="the folder that train wrote")
    p.add_argument("--to", type=Path, required=True, help="the model folder to write")
    p = commands.add_parser("eval", help="score a model folder on held-out prompts")
    p.set_defaults(run_command=evaluate)
    p.add_argument("--model", type=Path, required=True)
    p.add_argument("--count", type=int, default=200, help="prompts per domain (default 200)")
    p.add_argument("--seed", type=int, default=2026)
    p.add_argument("--show", type=int, default=0, help="failures of each domain to print")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--card", type=Path, metavar="RUN", help="write README.md with RUN's history")
    p = commands.add_parser("say", help="chat with a model folder")
    p.set_defaults(run_command=say)
    p.add_argument("--model", type=Path, required=True)
    p.add_argument("--system", default="", help="a system message of your own")
    p.add_argument("--think", action="store_true", help="ask for a thought before each answer")
    p.add_argument("turns", nargs="+", help="what the user says, turn by turn")


def main() -> None:
    """Read the command line and do what it asks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    add_train(commands)
    add_others(commands)
    args = parser.parse_args()
    args.run_command(args)


if __name__ == "__main__":
    main()
