"""Templates that loop, explode or recurse, made of a few evils and ways to hide them. Knows no renderer."""

from itertools import product

_DOUBLING = "{%% set ns = namespace(x=%s) %%}{%% for i in range(80) %%}{%% set ns.x = %s %%}{%% endfor %%}%s"

EVILS = {
    "nested loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "loops that only filter": (
        "{% for a in range(99999) if false %}{% endfor %}" * 3
        + "{% for a in range(99999) %}{% for b in range(99999) if b < 0 %}{% endfor %}{% endfor %}"
    ),
    "endless recursion": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "a tree of calls": (
        "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}"
    ),
    "a tree of loops": ("{% for x in [range(9)] recursive %}{{ loop([x, x]) }}{% endfor %}"),
    "a block in itself": "{% block a %}{{ self.a() }}{% endblock %}",
    "callers": "{% macro f() %}{{ caller() }}{{ caller() }}{% endmacro %}"
    + "{% call f() %}" * 60
    + "x"
    + "{% endcall %}" * 60,
    "endless output": "{% for a in range(99999) %}{{ 'a' * 99999 }}{% endfor %}",
    "a long text": "{{ 'a' * 10 ** 9 }}",
    "a long list": "{{ [0] * 10 ** 9 }}",
    "lists in lists": "{{ [[[[0] * 9999] * 9999] * 9999] * 9999 }}",
    "added texts": _DOUBLING % ("'ab'", "ns.x + ns.x", "{{ ns.x }}"),
    "joined texts": _DOUBLING % ("'ab'", "ns.x ~ ns.x", "{{ ns.x }}"),
    "added lists": _DOUBLING % ("[1]", "ns.x + ns.x", "{{ ns.x }}"),
    "nested lists shown": _DOUBLING % ("[1]", "[ns.x, ns.x]", "{{ ns.x }}"),
    "nested lists as JSON": _DOUBLING % ("[1]", "[ns.x, ns.x]", "{{ ns.x | tojson }}"),
    "nested lists printed": _DOUBLING % ("[1]", "[ns.x, ns.x]", "{{ ns.x | pprint }}"),
    "nested lists compared": _DOUBLING % ("[1]", "[ns.x, ns.x]", "{{ ns.x == [ns.x[0] + []] }}"),
    "nested tuples hashed": _DOUBLING % ("(1,)", "(ns.x, ns.x)", "{{ {ns.x: 1} }}"),
    "nested dictionaries": _DOUBLING % ("{}", "{'a': ns.x, 'b': ns.x}", "{{ ns.x }}"),
    "a block that doubles": (
        "{% set x = 'ab' %}" + "{% set x %}{{ x }}{{ x }}{% endset %}" * 60 + "{{ x }}"
    ),
    "a namespace in itself": "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}",
    "a power": "{{ 2 ** (10 ** 9) }}",
    "powers of powers": "{{ 9 ** 9 ** 9 ** 9 ** 9 }}",
    "squares": _DOUBLING % ("3", "ns.x * ns.x", "{{ ns.x % 7 }}"),
    "a wide format": "{{ '%999999999d' % 1 }}",
    "a precise format": "{{ '%.999999999f' % 1.5 }}",
    "a format of given width": "{{ '%*d' % (999999999, 1) }}",
    "another format": "{{ '{:999999999}'.format(1) }}",
    "a nested format": "{{ '{:{}}'.format(1, 999999999) }}",
    "a mapped format": "{{ '{a:999999999}'.format_map({'a': 1}) }}",
    "the format filter": "{{ '%999999999d' | format(1) }}",
    "padding": "{{ 'a'.center(10 ** 9) }}{{ 'a'.ljust(10 ** 9) }}{{ 'a'.zfill(10 ** 9) }}",
    "the center filter": "{{ 'a' | center(10 ** 9) }}",
    "the indent filter": "{{ ('a\n' * 9999) | indent(10 ** 6) }}",
    "the batch filter": "{{ [1] | batch(10 ** 9, 0) | list }}",
    "the slice filter": "{{ [1] | slice(10 ** 9) | list }}",
    "the join filter": "{{ range(99999) | join('a' * 99999) }}",
    "the replace filter": "{{ ('a' * 99999) | replace('a', 'b' * 99999) }}",
    "the method replace": "{{ ('a' * 99999).replace('', 'b' * 99999) }}",
    "the method join": "{{ ('a' * 99999).join('b' * 99999) }}",
    "the method translate": "{{ ('a' * 99999).translate({97: 'b' * 99999}) }}",
    "tabs": "{{ ('\t' * 99999).expandtabs(10 ** 6) }}",
    "a deep indent of JSON": "{{ [[[[1]]]] | tojson(indent=10 ** 9) }}",
    "a rounded number": "{{ 2.5 | round(10 ** 9, 'ceil') }}",
    "a long word to wrap": "{{ ('a ' * 9999999) | wordwrap(1) | length }}",
    "links without end": "{{ ('www.' * 999999 + '(' * 999999) | urlize | length }}",
    "tags without end": "{{ ('<!--' * 999999) | striptags | length }}",
    "a slow search": "{{ ('a' * 9999999).rfind('b' + 'a' * 99999) }}",
    "a slow split": "{{ ('a' * 9999999).rsplit('b' + 'a' * 99999) | length }}",
    "sorting": "{{ range(99999) | map('string') | sort(attribute='x.y.z') | list }}" * 50,
    "groups": "{{ range(99999) | groupby('real') | length }}" * 99,
    "a sum of lists": "{{ ([[0] * 999] * 9999) | sum(start=[]) | length }}",
    "many parentheses": "{{ " + "(" * 9999 + "1" + ")" * 9999 + " }}",
    "many operators": "{{ " + "1 + " * 99999 + "1 }}",
    "many nots": "{{ " + "not " * 99999 + "1 }}",
    "many lists": "{{ " + "[" * 9999 + "]" * 9999 + " }}",
    "many ifs": "{% if 1 %}" * 999 + "{% endif %}" * 999,
    "many loops": "{% for a in 'ab' %}" * 99 + "x" + "{% endfor %}" * 99,
    "many filters": "{{ 1" + " | string" * 99999 + " }}",
    "many tests": "{{ 1" + ".a" * 99999 + " }}",
    "never closed": "{{ '" + "a" * 999999,
    "many comments": "{#" * 99999,
    "a big number": "{{ " + "9" * 99999 + " }}",
    "classes": "{{ ().__class__.__base__.__subclasses__() }}",
    "globals": "{{ raise_exception.__globals__ }}{{ cycler.__init__.__globals__ }}",
    "a lone surrogate": "{{ '\\ud800' }}",
    "includes": "{% include '/etc/passwd' %}{% import 'os' as os %}",
    "a change of the messages": "{{ messages.append(messages) }}{{ messages.clear() }}",
    "appending to what is walked through": (
        "{% set l = [1] %}{% for a in l %}{% set _ = l.append(a) %}{% endfor %}"
    ),
    "appending in a filter": "{% set l = [1] %}{% for a in l if l.append(a) %}{% endfor %}",
    "appended texts": (
        "{% set l = [] %}{% for a in range(99999) %}{% set _ = l.append('a' * 999999 ~ a) %}{% endfor %}"
    ),
    "appended namespaces": (
        "{% set l = [] %}{% for a in range(99999) %}"
        "{% set _ = l.append(namespace(x='a' * 999999 ~ a)) %}{% endfor %}"
    ),
    "lists in many lists": (
        "{% set l = [] %}{% for a in range(99999) %}{% set m = [] %}{% set _ = l.append(m) %}"
        "{% for b in range(99) %}{% set _ = m.append('a' * 99999 ~ b) %}{% endfor %}{% endfor %}"
    ),
    "a list in itself": "{% set l = [1] %}{% set _ = l.append(l) %}{{ l }}{{ l == l + [] }}{{ l | tojson }}",
    "inserting in front": "{% set l = [] %}{% for a in range(99999) %}{% for b in range(99999) %}"
    "{% set _ = l.insert(0, b) %}{% endfor %}{% endfor %}",
    "lorem": "{{ lipsum(n=99999, max=99999) }}",
    "a cycler": "{% set c = cycler(1) %}{% for a in range(99999) %}{% for b in range(99999) %}"
    "{{ c.next() }}{% endfor %}{% endfor %}",
}
"""Name -> template."""
WRAPPERS = {
    "as it is": "%s",
    "in a macro": "{%% macro m(a='') %%}%s{%% endmacro %%}{{ m() }}",
    "in a set block": "{%% set hidden %%}%s{%% endset %%}{{ hidden | length }}",
    "in a filter block": "{%% filter upper %%}%s{%% endfilter %%}",
    "for each message": "{%% for message in messages %%}%s{%% endfor %%}",
    "in a generation": "{%% generation %%}%s{%% endgeneration %%}",
}


def corpus() -> dict[str, str]:
    """Every evil in every wrapper."""
    return {
        f"{evil}, {way}": wrapper % template
        for (evil, template), (way, wrapper) in product(EVILS.items(), WRAPPERS.items())
    }
