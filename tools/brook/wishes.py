"""Small wishes: repeat this, name three of those, a little poem. Knows no facts and no stories."""

# ruff: noqa: E501 - a row of these tables stays on one line, so that it reads as a row

from . import lists, names
from .scene import Scene, loosely

KINDS = {
    False: {
        "colors": "red green blue yellow white black orange purple brown pink",
        "animals": "cat dog fox bear rabbit mouse owl frog duck horse turtle wolf lion tiger goat",
        "fruits": "apple orange pear banana cherry grape lemon melon peach plum",
        "cities": "Paris London Berlin Madrid Rome Oslo Tokyo Cairo Lima Boston Vienna Lisbon",
        "days of the week": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
        "months": "January March April May June July August October December",
        "drinks": "tea coffee milk water juice",
        "countries": "France Germany Italy Spain Japan China Norway Egypt Peru Canada",
        "languages": "English Chinese French German Spanish Italian",
        "numbers": "one two three four five six seven eight nine ten",
        "names": "Anna Ben Clara David Emma Felix Grace Henry Jack Kate Leo Nina",
    },
    True: {
        "种颜色": "红色 绿色 蓝色 黄色 白色 黑色 橙色 紫色 粉色",
        "种动物": "猫 狗 鱼 鸟 马 兔子 老鼠 狮子 大象 乌龟 青蛙",
        "种水果": "苹果 香蕉 橙子 西瓜 桃子 梨",
        "个城市": "北京 上海 广州 杭州 南京 成都 重庆 武汉 西安",
        "个国家": "法国 德国 意大利 日本 中国 英国 美国",
        "种饮料": "茶 咖啡 牛奶 水",
    },
}
NUMBERS = {False: ("one", "two", "three", "four", "five"), True: ("一", "两", "三", "四", "五")}
THREE = (
    "Name {n} {k}.",
    "List {n} {k}.",
    "Give me {n} {k}.",
    "Tell me {n} {k}.",
    "Can you name {n} {k}?",
    "Give me a list of {n} {k}.",
)
THREE_ZH = (
    "说出{n}{k}。",
    "列出{n}{k}。",
    "请告诉我{n}{k}。",
    "你能说出{n}{k}吗？",
    "给我{n}{k}。",
)
ECHO = ("Repeat after me: {t}", "Say: {t}", "Say {t}", "Please repeat: {t}", "Say this: {t}", "Reply with: {t}", "Answer only with: {t}",
        "Just say {t}", "Say exactly: {t}", "Reply with exactly this: {t}", "Echo: {t}")  # fmt: skip
ECHO_ZH = ("请跟我说：{t}", "重复：{t}", "请重复这句话：{t}", "说：{t}", "只回答：{t}", "请说：{t}")
POEM_THEMES = {
    False: "water the-river the-sea the-moon the-sun rain snow spring autumn winter summer the-night the-wind a-tree a-flower a-bird a-cat "
    "friendship home love the-morning stars the-mountain a-boat clouds",
    True: "水 河 大海 月亮 太阳 雨 雪 春天 秋天 冬天 夏天 夜晚 风 树 花 小鸟 猫 友谊 家 爱 早晨 星星 山 小船 云",
}
POEM_ASK = (
    "Write a poem about {t}.",
    "Write a short poem about {t}.",
    "Write a haiku about {t}.",
    "A poem about {t}, please.",
    "Can you write a poem about {t}?",
)
POEM_ASK_ZH = ("写一首关于{t}的诗。", "写一首{t}的小诗。", "给我写一首关于{t}的短诗。")
FIRST = (
    "I think of {t} when day is done,",
    "A quiet song of {t} I sing,",
    "I sit alone and dream of {t},",
    "Oh {t}, so dear to me,",
)
SECOND = (
    "a little light, a little sun,",
    "a leaf that dances in the spring,",
    "a silver path, a gentle stream,",
    "a small white bird above the tree,",
)
THIRD = (
    "and when the night is cold and long,",
    "and far away a bell will ring,",
    "the clouds go by, the stars appear,",
    "the wind is soft, the road is free,",
)
FOURTH = (
    "I keep it with me like a song.",
    "and peace is all that it will bring.",
    "and all is calm when you are near.",
    "and I am glad as I can be.",
)
FIRST_ZH = ("我想起{t}，", "静静地看着{t}，", "我为{t}唱一首歌，", "{t}在我心里，")
SECOND_ZH = ("像一盏小小的灯，", "心里很安静，", "风轻轻地吹过，", "天上有星星，")
THIRD_ZH = ("夜晚慢慢来了，", "小鸟飞回了家，", "月亮出来了，", "花儿开了，")
FOURTH_ZH = ("梦里也有你。", "一切都很美。", "我很高兴。", "世界很安静。")

LETTERS = "aaaaeeeeiiiooouu" + "bcdfghjklmnpqrstvwxyz" + "lmnrstd"


def three(scene: Scene) -> None:
    """Some members of a kind of thing."""
    kind = scene.one(list(KINDS[scene.zh]))
    members = KINDS[scene.zh][kind].split()
    count = scene.one((2, 3, 3, 3, 4, 5))
    some = scene.rng.sample(members, min(count, len(members)))
    word = NUMBERS[scene.zh][len(some) - 1]
    ask = scene.say(THREE, THREE_ZH).format(n=str(len(some)) if scene.chance(0.3) else word, k=kind)
    text = "、".join(some) + "。" if scene.zh else ", ".join(some[:-1]) + " and " + some[-1] + "."
    scene.turn(loosely(scene, ask), text[:1].upper() + text[1:])


def phrase(scene: Scene) -> str:
    """A few words without much sense."""
    pool = lists.WORDS_ZH if scene.zh else lists.WORDS
    some = scene.rng.sample(pool, scene.rng.randint(1, 5))
    if scene.chance(0.3):
        some.insert(scene.rng.randint(0, len(some)), names.person(scene))
    if scene.chance(0.2):
        some.append(str(scene.rng.randint(0, 999)))
    text = ("" if scene.zh else " ").join(some)
    return scene.one((text, text, text.capitalize(), text + scene.say((".", "!"), ("。", "！"))))


def echo(scene: Scene) -> None:
    """The user wants to hear some words again, just as they are."""
    said = phrase(scene)
    quoted = scene.say((f'"{said}"', f"'{said}'"), (f"“{said}”",)) if scene.chance(0.2) else said
    scene.turn(scene.say(ECHO, ECHO_ZH).format(t=quoted), said)


def letters(scene: Scene) -> str:
    """A word that follows no rule of spelling."""
    return "".join(scene.rng.choices(LETTERS, k=scene.rng.randint(3, 8))).capitalize()


def jumble(scene: Scene) -> str:
    """Names, words, numbers and characters in no order: text that only copying can repeat."""
    makers = (
        lambda: names.invented(scene),
        lambda: names.person(scene),
        lambda: letters(scene),
        lambda: scene.one(lists.WORDS),
        lambda: "".join(scene.rng.choices(names.GIVEN + names.SURNAMES, k=scene.rng.randint(1, 4))),
        lambda: scene.one(names.CITIES_ZH + lists.WORDS_ZH),
        lambda: str(scene.rng.randint(0, 9999)),
        lambda: chr(scene.rng.randint(0x4E00, 0x9FA5)),
        lambda: f"{scene.one(lists.WORDS)}_{scene.one(lists.WORDS)}",
    )
    only = [scene.one(makers)] if scene.chance(0.4) else makers
    count = scene.rng.randint(1, 12)
    joint = scene.one((" ", " ", ", ", " and ", '", "', ": "))
    return joint.join(scene.one(only)() for _ in range(count))


def recital(scene: Scene) -> None:
    """A jumble to be repeated, which trains copying and little else."""
    said = jumble(scene)
    scene.turn(scene.say(ECHO, ECHO_ZH).format(t=said), said)


def poem(scene: Scene) -> None:
    """Four lines about one of the themes."""
    theme = scene.one(POEM_THEMES[scene.zh].split()).replace("-", " ")
    lines = (
        (FIRST_ZH, SECOND_ZH, THIRD_ZH, FOURTH_ZH) if scene.zh else (FIRST, SECOND, THIRD, FOURTH)
    )
    at = scene.rng.randrange(4)
    text = "\n".join(line[at if i else scene.rng.randrange(4)] for i, line in enumerate(lines))
    scene.turn(
        loosely(scene, scene.say(POEM_ASK, POEM_ASK_ZH).format(t=theme)), text.format(t=theme)
    )


def some(scene: Scene) -> None:
    """One small wish of any sort."""
    scene.rng.choices((three, echo, poem), (3, 3, 1))[0](scene)
