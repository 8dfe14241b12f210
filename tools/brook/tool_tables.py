"""The functions that brook is shown, as tables: names, parameters, ways to ask. Knows no chat.

A parameter is (names, kind); the ways to ask and to report use p0, p1… for its value.
"""
# ruff: noqa: E501 - a row of these tables stays on one line, so that it reads as a row

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One sort of function: how it may be called, asked for and reported on."""

    names: tuple[str, ...]
    about: str
    params: tuple[tuple[tuple[str, ...], str], ...]
    asks: tuple[str, ...]
    asks_zh: tuple[str, ...]
    result: str
    report: str
    report_zh: str
    optional_unit: bool = False


WEATHER = Kind(
    ("get_weather", "get_current_weather", "weather", "lookup_weather", "weather_now", "getWeather", "city_weather", "fetch_weather"),
    "Get the current weather of a city.",
    ((("city", "location", "place", "town", "city_name"), "city"),),
    ("What is the weather in {p0}?", "How is the weather in {p0}?", "What's the weather like in {p0} today?", "Weather in {p0}, please.",
     "Is it raining in {p0}?", "Tell me the weather in {p0}.", "How warm is it in {p0}?", "Do I need an umbrella in {p0}?",
     "What is the temperature in {p0}?", "Check the weather for {p0}.", "What's the weather in {p0} right now?", "weather {p0}"),
    ("{p0}的天气怎么样？", "{p0}今天天气如何？", "查一下{p0}的天气。", "{p0}现在多少度？", "{p0}下雨吗？", "请告诉我{p0}的天气。", "今天{p0}天气怎么样？"),
    "weather", "", "", optional_unit=True,
)  # fmt: skip
CALCULATOR = Kind(
    ("calculator", "calculate", "compute", "evaluate", "calc", "math_eval", "do_math"),
    "Evaluate an arithmetic expression.",
    ((("expression", "expr", "formula", "input", "query"), "expression"),),
    ("What is {p0}?", "Calculate {p0}.", "Compute {p0}", "How much is {p0}?", "Use the calculator: {p0}", "What's {p0}?", "Please work out {p0}.",
     "Evaluate {p0}."),
    ("{p0} 等于多少？", "请计算 {p0}。", "帮我算一下 {p0}。", "用计算器算 {p0}", "{p0} 是多少？"),
    "number", "{p0} = {r}.", "{p0} = {r}。",
)  # fmt: skip
OTHERS = (
    Kind(("get_time", "current_time", "time_in", "world_clock"), "Get the local time of a city.",
         ((("city", "location", "place"), "city"),),
         ("What time is it in {p0}?", "Tell me the time in {p0}.", "What's the local time in {p0}?"), ("{p0}现在几点？", "请告诉我{p0}的时间。"),
         "clock", "It is {r} in {p0}.", "{p0}现在是 {r}。"),
    Kind(("set_alarm", "create_alarm", "alarm", "add_alarm"), "Set an alarm.",
         ((("time", "at", "alarm_time"), "clock"),),
         ("Set an alarm for {p0}.", "Wake me up at {p0}.", "I need an alarm at {p0}."), ("设一个 {p0} 的闹钟。", "请在 {p0} 叫我起床。"),
         "ok", "Your alarm is set for {p0}.", "闹钟已设在 {p0}。"),
    Kind(("send_message", "send_sms", "text_person", "message"), "Send a message to a person.",
         ((("to", "recipient", "person", "contact"), "name"), (("text", "message", "body", "content"), "text")),
         ("Send {p0} the message: {p1}", "Tell {p0}: {p1}", "Text {p0}: {p1}"), ("给{p0}发消息：{p1}", "告诉{p0}：{p1}"),
         "ok", "I have sent your message to {p0}.", "已经把消息发给{p0}了。"),
    Kind(("get_stock_price", "stock_price", "stock", "quote"), "Get the price of a stock.",
         ((("symbol", "ticker", "stock"), "symbol"),),
         ("What is the price of {p0} stock?", "How much is {p0} stock?", "Stock price of {p0}?"), ("{p0} 的股价是多少？", "查一下 {p0} 股票。"),
         "number", "The price of {p0} is {r}.", "{p0} 的价格是 {r}。"),
    Kind(("convert_currency", "exchange", "currency_convert"), "Convert money between currencies.",
         ((("amount", "value", "sum"), "integer"), (("from", "source", "from_currency"), "money"), (("to", "target", "to_currency"), "money")),
         ("Convert {p0} {p1} to {p2}.", "How much is {p0} {p1} in {p2}?"), ("把 {p0} {p1} 换成 {p2}。", "{p0} {p1} 等于多少 {p2}？"),
         "number", "{p0} {p1} is {r} {p2}.", "{p0} {p1} 等于 {r} {p2}。"),
    Kind(("translate", "translate_text", "translator"), "Translate a text into a language.",
         ((("text", "sentence", "phrase"), "text"), (("language", "target", "target_language", "to"), "language")),
         ("Use the translator to put this into {p1}: {p0}", "Translate into {p1}: {p0}"), ("翻译成 {p1}：{p0}",),
         "", "", ""),
    Kind(("search_flights", "find_flights", "flights"), "Search flights between two cities.",
         ((("from", "origin", "departure"), "city"), (("to", "destination", "arrival"), "city")),
         ("Find a flight from {p0} to {p1}.", "I want to fly from {p0} to {p1}.", "Are there flights from {p0} to {p1}?"),
         ("找一个从{p0}到{p1}的航班。", "我想从{p0}飞到{p1}。"), "", "", ""),
    Kind(("play_song", "play_music", "play"), "Play a song.", ((("title", "song", "name"), "title"),),
         ("Play the song {p0}.", "Play {p0}.", "I want to hear {p0}."), ("播放 {p0}。", "我想听 {p0}。"),
         "ok", "Now playing {p0}.", "正在播放 {p0}。"),
    Kind(("book_table", "reserve_table", "make_reservation"), "Book a table in a restaurant.",
         ((("restaurant", "place", "name"), "title"), (("people", "guests", "party_size", "seats"), "small")),
         ("Book a table for {p1} at {p0}.", "Reserve a table at {p0} for {p1} people."), ("在 {p0} 订 {p1} 个人的桌子。",),
         "ok", "Your table at {p0} for {p1} is booked.", "已在 {p0} 订好 {p1} 人的桌子。"),
    Kind(("add_todo", "create_task", "add_task", "todo"), "Add an item to the to-do list.", ((("item", "task", "title"), "text"),),
         ("Add to my to-do list: {p0}", "Put this on my list: {p0}"), ("加到待办：{p0}", "记下来：{p0}"),
         "ok", "I have added it to your list.", "已经加到你的清单里了。"),
    Kind(("set_light", "switch_light", "light", "control_light"), "Turn the light of a room on or off.",
         ((("room", "where", "area"), "room"), (("on", "is_on", "enabled"), "boolean")),
         ("Turn {p1} the light in the {p0}.", "Switch {p1} the {p0} light."), ("{p1}{p0}的灯。", "请{p1}{p0}的灯。"),
         "ok", "Done, I turned {p1} the light in the {p0}.", "好的，已{p1}{p0}的灯。"),
    Kind(("random_number", "roll", "get_random"), "Get a random whole number.",
         ((("min", "low", "minimum"), "small"), (("max", "high", "maximum"), "integer")),
         ("Give me a random number between {p0} and {p1}.", "Pick a number from {p0} to {p1}."), ("给我一个 {p0} 到 {p1} 的随机数。",),
         "number", "Your random number is {r}.", "随机数是 {r}。"),
)  # fmt: skip
VERBS = [
    "get",
    "set",
    "find",
    "make",
    "open",
    "close",
    "start",
    "stop",
    "check",
    "update",
    "delete",
    "create",
    "list",
    "show",
    "read",
    "write",
    "move",
    "copy",
    "track",
    "load",
    "save",
]
NOUNS = [
    "user",
    "order",
    "book",
    "file",
    "page",
    "item",
    "room",
    "ticket",
    "account",
    "photo",
    "note",
    "event",
    "report",
    "car",
    "game",
    "team",
    "task",
    "box",
    "recipe",
    "parcel",
    "invoice",
    "map",
    "door",
    "sensor",
    "robot",
    "device",
    "folder",
    "song",
    "price",
    "list",
    "table",
]
FIELDS = [
    "id",
    "name",
    "title",
    "count",
    "size",
    "color",
    "city",
    "owner",
    "status",
    "level",
    "date",
    "limit",
    "kind",
    "label",
    "code",
    "amount",
    "speed",
    "width",
    "height",
    "user",
    "target",
    "source",
    "query",
    "number",
    "key",
    "tag",
    "group",
    "path",
    "mode",
]
