"""What brook says to itself before an answer. Knows no conversation and no template."""

import re
from collections.abc import Sequence
from typing import Any

SHOWN_FIELDS = 3


def plain(zh: bool) -> str:
    """Where there is nothing to work out."""
    return "不用多想。" if zh else "No need to think long."


def unknown(zh: bool) -> str:
    """Where brook has no answer."""
    return "这个我不知道。" if zh else "I do not know this."


def addition(a: int, b: int, zh: bool) -> str:
    """Units, carry and tens; sums with a number below ten are known by heart."""
    if a < 10 or b < 10:
        return f"{a} + {b} = {a + b}"
    semicolon = "；" if zh else "; "
    units, tens = a % 10 + b % 10, a // 10 + b // 10
    first, second = f"{a % 10} + {b % 10} = {units}", f"{a // 10} + {b // 10}"
    if units >= 10:
        first += f"，写 {units - 10}，进 1" if zh else f", write {units - 10}, carry 1"
        second, tens = f"{second} + 1", tens + 1
    return semicolon.join((first, f"{second} = {tens}", str(a + b)))


def subtraction(a: int, b: int, zh: bool) -> str:
    """Units, borrowing and tens; small differences are known by heart."""
    if b < 10 and a < 20:
        return f"{a} - {b} = {a - b}"
    borrow = a % 10 < b % 10
    top = a % 10 + 10 * borrow
    first, second = f"{top} - {b % 10} = {top - b % 10}", f"{a // 10} - {b // 10}"
    if borrow:
        first += "，借 1" if zh else ", borrow 1"
        second += " - 1"
    tens = a // 10 - b // 10 - borrow
    return ("；" if zh else "; ").join((first, f"{second} = {tens}", str(a - b)))


def product(a: int, b: int, zh: bool) -> str:
    """The second factor taken apart at ten or at five."""
    sign = "×" if zh else "*"
    step = 10 if b > 10 else 5
    if b <= 5 or b == 10:
        return f"{a} {sign} {b} = {a * b}"
    parts = (f"{a} {sign} {n} = {a * n}" for n in (step, b - step))
    return ("；" if zh else "; ").join((*parts, str(a * b)))


def counting(a: int, b: int, zh: bool) -> str:
    """The direction and how many numbers there will be."""
    number = abs(b - a) + 1
    if zh:
        return f"从 {a} 往{'上' if a < b else '下'}数到 {b}，{number} 个数。"
    return f"{'Up' if a < b else 'Down'} from {a} to {b}: {number} numbers."


def sorting(numbers: Sequence[int], zh: bool) -> str:
    """Both ends of the order."""
    low, high = min(numbers), max(numbers)
    if zh:
        return f"{len(numbers)} 个数，最小 {low}，最大 {high}。"
    return f"{len(numbers)} numbers, smallest {low}, largest {high}."


def alphabetical(words: Sequence[str]) -> str:
    """The first letters in their order."""
    return "First letters: " + ", ".join(sorted(word[0] for word in words)) + "."


def numbered(items: Sequence[str]) -> str:
    """Every item with its number."""
    return " ".join(f"{number} {item}" for number, item in enumerate(items, 1))


def named(name: str, zh: bool) -> str:
    """The user's name, or that none was given."""
    if not name:
        return "用户没有说名字。" if zh else "No name was given."
    return f"用户叫{name}。" if zh else f"The user is called {name}."


def told(thing: str, zh: bool) -> str:
    """What the user said before."""
    return f"用户说过：{thing}。" if zh else f"The user said: {thing}."


def story(animal: str, name: str, zh: bool) -> str:
    """Whom the story is about."""
    return f"主角是{animal}{name}。" if zh else f"The hero: {name}, {animal}."


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(value) if isinstance(value, list) else str(value)


def fields(answer: dict[str, Any], zh: bool) -> str:
    """What belongs into the first fields of a form, and how many follow."""
    shown = [f"{key}: {_value(value)}" for key, value in list(answer.items())[:SHOWN_FIELDS]]
    if left := len(answer) - len(shown):
        shown.append(f"还有 {left} 项" if zh else f"{left} more")
    return ("；" if zh else "; ").join(shown)


def calling(calls: Sequence[dict[str, Any]], zh: bool) -> str:
    """Which function is to be called with what."""
    functions = [call["function"] for call in calls]
    shown = [
        f"{f['name']}: " + ", ".join(f"{k} = {_value(v)}" for k, v in f["arguments"].items())
        for f in functions
    ]
    return ("调用 " if zh else "I call ") + ("；" if zh else "; ").join(shown)


def no_call(zh: bool) -> str:
    """That the functions on offer are of no use here."""
    return "不需要调用函数。" if zh else "No function is needed."


def result(given: str, zh: bool) -> str:
    """The numbers that functions gave back; where there are none, that all went well."""
    numbers = re.findall(r"-?\d[\d:]*", given)
    if not numbers:
        return "成功了。" if zh else "It worked."
    return f"结果：{'，'.join(numbers)}。" if zh else f"The result: {', '.join(numbers)}."
