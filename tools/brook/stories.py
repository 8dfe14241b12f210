"""Short stories put together from slots. Knows no other subject."""
# ruff: noqa: E501 - a row of these tables stays on one line, so that it reads as a row

from . import names, thoughts
from .scene import Scene

ANIMALS = {
    False: [
        "cat",
        "dog",
        "fox",
        "bear",
        "rabbit",
        "mouse",
        "owl",
        "frog",
        "duck",
        "horse",
        "turtle",
        "bird",
        "wolf",
        "lion",
        "elephant",
    ],
    True: [
        "小猫",
        "小狗",
        "狐狸",
        "小熊",
        "兔子",
        "老鼠",
        "猫头鹰",
        "青蛙",
        "鸭子",
        "小马",
        "乌龟",
        "小鸟",
        "狮子",
        "大象",
    ],
}
ASK = (
    "Tell me a story about a {a}.", "Tell me a short story about a {a}.", "Write a short story about a {a}.",
    "Can you tell a story about a {a}?", "A story about a {a}, please.", "I want a story about a {a} called {n}.",
    "Tell me a story about a {a} named {n}.",
)  # fmt: skip
ASK_ANY = (
    "Tell me a story.",
    "Tell me a short story.",
    "Can you tell me a story?",
    "Write a story.",
    "Another story, please.",
)
ASK_ZH = (
    "讲一个关于{a}的故事。",
    "给我讲一个{a}的小故事。",
    "写一个关于{a}的短故事。",
    "讲一个名叫{n}的{a}的故事。",
)
ASK_ANY_ZH = (
    "讲个故事。",
    "给我讲一个故事吧。",
    "你会讲故事吗？",
    "写一个小故事。",
    "再讲一个故事",
)
START = (
    "Once upon a time there was a {a} called {n}.", "In a {w} near a river lived a {a} called {n}.",
    "There was once a little {a}. Its name was {n}.", "A {a} called {n} lived alone in a {w}.",
)  # fmt: skip
WISH = (
    "{n} wanted to find a {t}.", "One morning {n} went out to look for a {t}.", "Every day {n} dreamed of a {t}.",
    "One day {n} lost a {t}.",
)  # fmt: skip
TURN = (
    "On the way {n} met a {b}, and they walked together.", "A {b} saw this and offered to help.",
    "It began to rain, and {n} hid under a tree with a {b}.", "Then a friendly {b} came along.",
    "{n} asked a {b}, who knew the way.",
)  # fmt: skip
FOUND = (
    "At last they found the {t} behind a stone.", "In the evening they saw the {t} under a tree.",
    "Together they found the {t} by the river.", "After a long walk the {t} lay before them.",
)  # fmt: skip
END = (
    "{n} was very happy, and the two became friends.", "From that day on they were best friends.",
    "They shared it and went home under the moon.", "{n} laughed, and everyone was happy.", "And that night {n} slept well.",
)  # fmt: skip
START_ZH = (
    "从前有一只{a}，名叫{n}。",
    "在一条小河边，住着一只{a}，它叫{n}。",
    "很久以前，有一只{a}叫{n}。",
)
WISH_ZH = (
    "{n}想找一个{t}。",
    "有一天早上，{n}出门去找{t}。",
    "{n}每天都梦见一个{t}。",
    "有一天，{n}丢了一个{t}。",
)
TURN_ZH = (
    "路上，{n}遇到了一只{b}，它们一起走。",
    "一只{b}看见了，就来帮忙。",
    "天下雨了，{n}和一只{b}躲在树下。",
    "{n}去问{b}，{b}知道路。",
)
FOUND_ZH = (
    "最后，它们在石头后面找到了{t}。",
    "晚上，它们在树下看见了{t}。",
    "它们一起在河边找到了{t}。",
)
END_ZH = (
    "{n}非常高兴，它们成了好朋友。",
    "从那天起，它们是最好的朋友。",
    "它们笑着一起回家了。",
    "那天晚上，{n}睡得很香。",
)
WHERE = ["forest", "garden", "village", "valley", "meadow", "house"]
THINGS = {
    False: "key|lamp|red ball|golden leaf|blue stone|small boat|song book|silver bell|warm hat|yellow flower",
    True: "钥匙|红球|金色的叶子|蓝色的石头|小船|银色的铃铛|帽子|黄色的花",
}
THANKS = (
    ("Nice story!", "I like that story.", "What a nice story!"),
    ("Thank you! I am glad you like it.",),
)
THANKS_ZH = (("真好听！", "我喜欢这个故事。", "好故事！"), ("谢谢！你喜欢就好。",))


def telling(scene: Scene, animal: str, name: str) -> str:
    """Four or five sentences about one animal."""
    parts = (
        (START_ZH, WISH_ZH, TURN_ZH, FOUND_ZH, END_ZH)
        if scene.zh
        else (START, WISH, TURN, FOUND, END)
    )
    friend = scene.one([a for a in ANIMALS[scene.zh] if a != animal])
    slots = {
        "a": animal, "n": name, "b": friend, "t": scene.one(THINGS[scene.zh].split("|")), "w": scene.one(WHERE),
    }  # fmt: skip
    text = ("" if scene.zh else " ").join(scene.one(part).format(**slots) for part in parts)
    for vowel in "aeo":
        text = text.replace(f" a {vowel}", f" an {vowel}").replace(f"A {vowel}", f"An {vowel}")
    return text


def some(scene: Scene) -> None:
    """A story on demand, perhaps with a word of thanks after it."""
    animal, name = scene.one(ANIMALS[scene.zh]), names.person(scene)
    ask = scene.say(ASK, ASK_ZH) if scene.chance(0.65) else scene.say(ASK_ANY, ASK_ANY_ZH)
    ask = ask.format(a=animal, n=name).replace(" a e", " an e").replace(" a o", " an o")
    scene.turn(ask, telling(scene, animal, name), thoughts.story(animal, name, scene.zh))
    if scene.chance(0.2):
        asks, answers = THANKS_ZH if scene.zh else THANKS
        scene.turn(scene.one(asks), scene.one(answers))


OFFER = (("I am bored.", "I'm bored", "Tell me something.", "I feel sad today.", "I can't sleep."),
         ("Shall I tell you a short story?", "Do you want to hear a short story?"),
         ("Yes, please.", "Yes!", "OK", "Sure.", "Yes", "Please do."))  # fmt: skip
OFFER_ZH = (
    ("我很无聊。", "好无聊啊", "我睡不着。", "说点什么吧。"),
    ("要不要听一个小故事？", "我给你讲个小故事好吗？"),
    ("好的。", "好啊！", "要", "好", "可以。"),
)


def accepted(scene: Scene) -> None:
    """Brook offers a story, the user says yes, and brook tells one."""
    asks, offers, yes = OFFER_ZH if scene.zh else OFFER
    scene.turn(scene.one(asks), scene.one(offers))
    scene.turn(scene.one(yes), telling(scene, scene.one(ANIMALS[scene.zh]), names.person(scene)))


def bare(scene: Scene) -> str:
    """A story on its own, outside any chat."""
    return telling(scene, scene.one(ANIMALS[scene.zh]), names.person(scene))
