"""Conversations about sums, differences, products and comparisons. Knows no other subject."""

from . import thoughts
from .scene import Scene

ASK_ADD = (
    "What is {a} + {b}?", "What is {a} plus {b}?", "{a} + {b} = ?", "{a}+{b}", "Add {a} and {b}.",
    "How much is {a} + {b}?", "Calculate {a} + {b}.", "Can you add {a} and {b}?", "{a} + {b}",
    "What's {a} + {b}?", "Please add {a} and {b}.", "What is the sum of {a} and {b}?", "{a} + {b} =",
    "I have {a} apples and get {b} more. How many do I have?", "Compute {a} + {b}.", "What is {a}+{b}?",
)  # fmt: skip
ASK_ADD_ZH = (
    "{a} + {b} 等于多少？", "{a} 加 {b} 是多少？", "{a}+{b}=?", "请计算 {a} + {b}。",
    "{a}加{b}等于几？",
    "帮我算一下 {a} + {b}。", "{a} + {b} 是多少？", "我有 {a} 个苹果，又买了 {b} 个，一共有多少个？",
    "{a}+{b}等于多少？",
    "{a} 和 {b} 的和是多少？", "算一下 {a}+{b}", "计算{a}加{b}",
)  # fmt: skip
ASK_SUB = (
    "What is {a} - {b}?", "What is {a} minus {b}?", "{a} - {b} = ?", "Subtract {b} from {a}.",
    "How much is {a} - {b}?", "Calculate {a} - {b}.", "{a}-{b}", "What's {a} - {b}?",
    "I have {a} coins and spend {b}. How many are left?",
)  # fmt: skip
ASK_SUB_ZH = (
    "{a} - {b} 等于多少？", "{a} 减 {b} 是多少？", "{a}-{b}=?", "请计算 {a} - {b}。", "{a}减{b}等于几？",
    "我有 {a} 元，花了 {b} 元，还剩多少？",
)  # fmt: skip
ASK_MUL = (
    "What is {a} times {b}?", "What is {a} x {b}?", "{a} * {b} = ?", "{a} * {b}", "Multiply {a} by {b}.",
    "How much is {a} * {b}?", "What's {a} * {b}?",
)  # fmt: skip
ASK_MUL_ZH = (
    "{a} 乘 {b} 等于多少？",
    "{a} × {b} = ?",
    "{a}乘以{b}是多少？",
    "{a}*{b}等于几？",
    "请计算 {a} × {b}。",
)
ASK_MORE = (
    "Which is bigger, {a} or {b}?",
    "Which number is larger: {a} or {b}?",
    "Is {a} or {b} bigger?",
)
ASK_MORE_ZH = ("{a} 和 {b} 哪个大？", "{a} 与 {b}，哪个数更大？", "哪个更大，{a} 还是 {b}？")


def addition_text(scene: Scene, a: int, b: int) -> str:
    """The answer to a sum; two-digit ones show the units first."""
    if a < 10 or b < 10:
        return f"{a} + {b} = {a + b}" + scene.say(".", "。")
    units = f"{a % 10} + {b % 10} = {a % 10 + b % 10}"
    join = "，所以 " if scene.zh else ", so "
    return f"{units}{join}{a} + {b} = {a + b}" + scene.say(".", "。")


def difference_text(scene: Scene, a: int, b: int) -> str:
    """The answer to a difference; two-digit ones show the units first."""
    end = scene.say(".", "。")
    if b < 10 and a < 20:
        return f"{a} - {b} = {a - b}{end}"
    top = a % 10 + (10 if a % 10 < b % 10 else 0)
    join = "，所以 " if scene.zh else ", so "
    return f"{top} - {b % 10} = {top - b % 10}{join}{a} - {b} = {a - b}{end}"


def pair(scene: Scene, low: int = 10) -> tuple[int, int]:
    """Two numbers below a hundred, on the scene's side of the split."""
    return scene.fresh(
        lambda: (scene.rng.randint(low, 99), scene.rng.randint(low, 99)), lambda p: f"{p[0]}+{p[1]}"
    )


def addition(scene: Scene) -> int:
    """One addition; gives the sum."""
    small = not scene.held and scene.chance(0.12)
    a, b = (scene.rng.randint(0, 20), scene.rng.randint(0, 9)) if small else pair(scene)
    ask = scene.say(ASK_ADD, ASK_ADD_ZH).format(a=a, b=b)
    scene.turn(ask, addition_text(scene, a, b), thoughts.addition(a, b, scene.zh))
    return a + b


def subtraction(scene: Scene) -> None:
    """One subtraction that stays at zero or above."""
    a, b = sorted(pair(scene, 0), reverse=True)
    ask = scene.say(ASK_SUB, ASK_SUB_ZH).format(a=a, b=b)
    scene.turn(ask, difference_text(scene, a, b), thoughts.subtraction(a, b, scene.zh))


def product(scene: Scene) -> None:
    """One entry of the multiplication table up to twelve."""
    a, b = scene.rng.randint(1, 12), scene.rng.randint(1, 12)
    sign = "×" if scene.zh else "*"
    ask = scene.say(ASK_MUL, ASK_MUL_ZH).format(a=a, b=b)
    answer = f"{a} {sign} {b} = {a * b}" + scene.say(".", "。")
    scene.turn(ask, answer, thoughts.product(a, b, scene.zh))


def comparison(scene: Scene) -> None:
    """Which of two numbers is bigger."""
    a, b = pair(scene, 0)
    if a == b:
        return
    more, less = max(a, b), min(a, b)
    answer = f"{more} 比 {less} 大。" if scene.zh else f"{more} is bigger than {less}."
    ask = scene.say(ASK_MORE, ASK_MORE_ZH).format(a=a, b=b)
    scene.turn(ask, answer, f"{more} > {less}")


def at_length(scene: Scene) -> None:
    """An addition that the user wants slowly; the answer shows its steps anyhow."""
    a, b = pair(scene)
    lead = scene.say(("Think first. ", "Think step by step: "), ("先想一想。", "请一步一步想："))
    ask = lead + scene.say(ASK_ADD, ASK_ADD_ZH).format(a=a, b=b)
    scene.turn(ask, addition_text(scene, a, b), thoughts.addition(a, b, scene.zh))


def some(scene: Scene) -> None:
    """One to four questions of mixed sorts, sums most often."""
    for _ in range(scene.rng.randint(1, 4)):
        weights = (9, 3, 2, 1, 0.4)
        choices = (addition, subtraction, product, comparison, at_length)
        scene.rng.choices(choices, weights)[0](scene)
