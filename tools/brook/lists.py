"""Conversations about counting, sorting and items of a list. Knows no other subject."""

from . import thoughts
from .scene import Scene

WORDS = [
    "apple",
    "bread",
    "cloud",
    "door",
    "eagle",
    "field",
    "glass",
    "house",
    "island",
    "jar",
    "kite",
    "lamp",
    "moon",
    "nest",
    "orange",
    "pear",
    "queen",
    "river",
    "stone",
    "tree",
    "umbrella",
    "violin",
    "wolf",
    "yard",
    "zebra",
    "ant",
    "bear",
    "cat",
    "dog",
    "fish",
    "goat",
    "hat",
    "ink",
    "king",
    "leaf",
    "mouse",
    "nut",
    "owl",
    "pen",
    "rose",
    "ship",
    "tiger",
    "van",
    "wind",
    "tea",
    "milk",
    "book",
    "cup",
    "desk",
    "egg",
    "fork",
    "gate",
    "hill",
]
WORDS_ZH = [
    "苹果",
    "面包",
    "云",
    "门",
    "鸟",
    "书",
    "茶",
    "牛奶",
    "猫",
    "狗",
    "鱼",
    "山",
    "水",
    "树",
    "花",
    "月亮",
    "星星",
    "米饭",
    "椅子",
    "桌子",
    "杯子",
    "雨伞",
    "火车",
    "飞机",
]
COUNT = ("Count from {a} to {b}.", "Please count from {a} to {b}.", "Can you count from {a} to {b}?",
         "List the numbers from {a} to {b}.")  # fmt: skip
COUNT_ZH = (
    "从 {a} 数到 {b}。",
    "请从{a}数到{b}。",
    "你能从 {a} 数到 {b} 吗？",
    "列出 {a} 到 {b} 的数字。",
)
UP = ("Sort these numbers: {x}", "Sort {x} from small to large.", "Put these numbers in order: {x}.",
      "Sort in ascending order: {x}")  # fmt: skip
UP_ZH = ("把这些数字从小到大排列：{x}", "请排序：{x}", "从小到大排序：{x}。")
DOWN = ("Sort {x} from large to small.", "Sort in descending order: {x}")
DOWN_ZH = ("把这些数字从大到小排列：{x}", "从大到小排序：{x}。")
ALPHA = (
    "Sort these words: {x}",
    "Put these words in alphabetical order: {x}.",
    "Sort alphabetically: {x}",
)
MANY = (
    "How many items are in this list: {x}?",
    "Count the items: {x}.",
    "How many words are here: {x}?",
)
MANY_ZH = ("这个列表有几项：{x}？", "数一数有几个：{x}。", "这里有几个词：{x}？")
FIRST = ("What is the first item of this list: {x}?", "Which comes first here: {x}?")
LAST = ("What is the last item of this list: {x}?", "Which comes last here: {x}?")
FIRST_ZH, LAST_ZH = ("这个列表的第一项是什么：{x}？",), ("这个列表的最后一项是什么：{x}？",)


def counting(scene: Scene) -> None:
    """Counting up or down over at most fifteen steps."""
    a = scene.one((1, 1, scene.rng.randint(0, 60)))
    b = a + scene.rng.randint(2, 14)
    if scene.chance(0.3):
        a, b = b, a
    step = 1 if a < b else -1
    ask = scene.say(COUNT, COUNT_ZH).format(a=a, b=b)
    numbers = ("，" if scene.zh else ", ").join(str(n) for n in range(a, b + step, step))
    scene.turn(ask, numbers + scene.say(".", "。"), thoughts.counting(a, b, scene.zh))


def sorting(scene: Scene) -> None:
    """Three to six different numbers, up or down."""
    numbers = scene.rng.sample(range(scene.one((10, 100))), scene.rng.randint(3, 6))
    down = scene.chance(0.25)
    en, zh = (DOWN, DOWN_ZH) if down else (UP, UP_ZH)
    comma = "，" if scene.zh else ", "
    ask = scene.say(en, zh).format(x=comma.join(map(str, numbers)))
    answer = comma.join(map(str, sorted(numbers, reverse=down)))
    scene.turn(ask, answer + scene.say(".", "。"), thoughts.sorting(numbers, scene.zh))


def words(scene: Scene) -> None:
    """A few words into alphabetical order."""
    if scene.zh:
        sorting(scene)
        return
    some = scene.rng.sample(WORDS, scene.rng.randint(3, 5))
    ask = scene.one(ALPHA).format(x=", ".join(some))
    scene.turn(ask, ", ".join(sorted(some)) + ".", thoughts.alphabetical(some))


def items(scene: Scene) -> None:
    """How many items a list has, or which is the first or the last."""
    pool = WORDS_ZH if scene.zh else WORDS
    some = scene.rng.sample(pool, scene.rng.randint(2, 8))
    x = ("、" if scene.zh else ", ").join(some)
    if scene.chance(0.5):
        answer = f"一共有 {len(some)} 个。" if scene.zh else f"There are {len(some)} items."
        scene.turn(scene.say(MANY, MANY_ZH).format(x=x), answer, thoughts.numbered(some))
        return
    first = scene.chance(0.5)
    ask = scene.say(FIRST, FIRST_ZH) if first else scene.say(LAST, LAST_ZH)
    word, item = ("first", some[0]) if first else ("last", some[-1])
    place = "第一" if first else "最后一"
    answer = f"{place}项是{item}。" if scene.zh else f"The {word} item is {item}."
    scene.turn(ask.format(x=x), answer, thoughts.numbered(some))


def some(scene: Scene) -> None:
    """One question about a list, of any sort."""
    scene.rng.choices((counting, sorting, words, items), (4, 4, 1, 2))[0](scene)
