# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 - Cyrillic letters are meant
"""Which language a text is in, by its script and by its commonest small words. Names none that it is not sure of.

This is enough to tell whether an answer of a sentence or more is in the language that it should be in, and it is all
that is asked here. Libraries for it cost more than they give: models of 100 MB, 400 MB of memory, or no upkeep since
years. Words that several languages share count for less the more there are.
"""

import re
from collections import Counter
from typing import Final

_WORD = re.compile(r"[^\W\d_]+")
_SURE: Final = 0.75  # what the small words of a language must weigh in all
_AHEAD: Final = 1.3  # times as much as those of any other

# Half the letters of a text decide for a language that has its script for itself.
_SCRIPTS: Final = {
    "ja": re.compile("[\u3040-\u30ff]"),
    "ko": re.compile("[\uac00-\ud7af\u1100-\u11ff]"),
    "zh": re.compile("[\u3400-\u4dbf\u4e00-\u9fff]"),
    "el": re.compile("[\u0370-\u03ff\u1f00-\u1fff]"),
    "he": re.compile("[\u0590-\u05ff]"),
    "ar": re.compile("[\u0600-\u06ff]"),
    "hi": re.compile("[\u0900-\u097f]"),
    "th": re.compile("[\u0e00-\u0e7f]"),
}
_KANA_AMONG_HAN: Final = 0.1  # Japanese writes much of its text in Chinese characters

_SMALL_WORDS: Final = {
    "bg": "и в на да се не за с от е са по като че това той тя ще или но може който която които при към ли има съм",
    "cs": "a v na se je že to tak s z do o pro jako ale by za si po které který jsou nebo také však může bylo když být",
    "da": "og i at det er en til af på den ikke for med de som et har jeg kan hvad også nogle mig dig efter kun fra "
    "eller men vil hvor når blev denne hun deres være inden",
    "de": "der die das und in ist von zu den mit nicht ein eine sich auf für es im dem auch als an werden aus er hat "
    "dass sie nach bei um wie einer oder aber noch wir ich sind kann über",
    "en": "the of and to in is that it for was on are as with be this by at from or have an which you not can we "
    "will your they has been their were there what when if more",
    "es": "de la que el en y a los se del las un por con no una su para es al lo como más pero sus le ya o este sí "
    "porque esta son entre cuando muy sin sobre puede está hay",
    "et": "ja on ei et see kui oma ka mis ta või aga ning kes seda nii selle olla siis ma mida saab oli veel kas",
    "fi": "ja on ei se että oli hän mutta ovat kuin myös joka tai kun niin ole sen jos mitä voi olla tämä nyt ne minä",
    "fr": "de la le et les des en un une du est que pour qui dans a par plus pas au sur ne se ce avec il sont ou son "
    "vous nous elle mais comme cette être ses aux je votre leur",
    "ga": "agus an na ar is i a ag le go tá do bhí seo sé sin ní de nach níl leis mar ó bhfuil ach gur sna den",
    "hr": "i u je se na da su za od s o kao ali ili to bi što koji koja koje biti može nije sam ako te također prema",
    "hu": "a az és hogy nem is egy ez van meg de ki csak ha mint volt lehet vagy már kell még azt ezt nagyon után",
    "is": "og að í á er sem það til var við um fyrir en af með ekki hann eru eða frá hún því ég þú hefur verið",
    "it": "di e il la che in un per è del una con non i della le si da al gli dei come sono più alla anche nel ma "
    "questo ha lo o ci essere suo quando può",
    "lt": "ir į yra kad su iš tai ne bet kaip buvo o ar už apie jis ji jo po taip dar gali nuo kuris būti aš",
    "lv": "un ir ar no uz kas par ka bet tas to kā vai arī pēc pie viņš bija tā ja jau var nav es savu būt",
    "mt": "u li ta fil ma il hija huwa dan din għal mill biex jew kien minn kif lil għall tal bil dawn ukoll mhux",
    "nl": "de het een van en in is dat op te zijn voor met niet aan er om ook als bij maar door ze uit dan wordt "
    "naar heeft nog kan deze over hij binnen ik je",
    "no": "og i det er til på en av som at ikke med for den har de et jeg kan hva også noen meg deg etter kun fra "
    "eller men vil hvor når ble denne hun deres være innen",
    "pl": "w i na się nie z do to że jest o jak a po co ale za od przez dla tak są lub czy może ich tym już być jego",
    "pt": "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem à seu "
    "sua ou ser quando muito está você são sua obrigado pela pelo",
    "ro": "și de la în a cu pe nu este că o un din pentru care mai sunt să se ce am fi dar sau prin după fost poate",
    "ru": "и в не на я что он с как это по но они к у мы за из она так же от для вы то или если был может при есть",
    "sk": "a v na sa je že to tak s z do o pre ako ale by za si po ktoré ktorý sú alebo tiež však môže bolo keď byť",
    "sl": "in je v na se da to ni so za od s z kot ali pa to bi ki ne tudi lahko bil bila pri še ta biti če ter nisem",
    "sv": "och i att det som en på är av för med den till inte om ett har de jag kan från eller men vad också när "
    "vi ska där mycket mig dig efter inom",
    "tr": "ve bir bu da de için ile çok ne olarak daha gibi en ama var olan kadar sonra değil ben o mi her ya",
    "uk": "і в не на я що він з як це по але вони до у ми за та вона так від для ви або якщо був може при є й",
}
_WORDS: Final = {language: frozenset(words.split()) for language, words in _SMALL_WORDS.items()}
_SHARED_BY: Final = Counter(word for words in _WORDS.values() for word in words)
# Letters that a language has and its neighbours have not.
_LETTERS: Final = {
    "bg": "ъщ",
    "cs": "řěů",
    "de": "ß",
    "es": "ñ¿¡",
    "et": "õ",
    "hu": "őű",
    "is": "ðþ",
    "lt": "ėįų",
    "lv": "ģķļņ",
    "mt": "ħġċ",
    "pl": "łżśćń",
    "pt": "ãõ",
    "ro": "țșă",
    "ru": "ыэё",
    "sk": "ľĺŕ",
    "tr": "ığş",
    "uk": "іїєґ",
}
_LETTER_WEIGHT: Final = 0.3
_MOST_LETTERS: Final = 5

LANGUAGES: Final = frozenset(_WORDS) | frozenset(_SCRIPTS)  # ISO 639-1


def language_of(text: str) -> str:
    """The ISO 639-1 code; empty for a text that is too short, or too mixed, to tell."""
    words = _WORD.findall(text.lower())
    return _by_script("".join(words)) or _by_words(words, text.lower())


def sample(language: str) -> str:
    """A text that is taken for the language."""
    if language in _WORDS:
        return " ".join(_SMALL_WORDS[language].split()[:24]).capitalize() + "."
    return _SAMPLES[language]


_SAMPLES: Final = {
    "ja": "これは日本語の文です。",
    "ko": "이것은 한국어 문장입니다.",
    "zh": "这是一个中文句子。",
    "el": "Αυτή είναι μια πρόταση.",
    "he": "זה משפט בעברית.",
    "ar": "هذه جملة باللغة العربية.",
    "hi": "यह एक हिंदी वाक्य है।",
    "th": "นี่คือประโยคภาษาไทย",
}


def _by_script(letters: str) -> str:
    if not letters:
        return ""
    shares = {language: len(script.findall(letters)) / len(letters) for language, script in _SCRIPTS.items()}
    if shares["ja"] + shares["zh"] > 1 / 2:
        return "ja" if shares["ja"] >= _KANA_AMONG_HAN else "zh"
    return next((language for language, share in shares.items() if share > 1 / 2), "")


def _by_words(words: list[str], text: str) -> str:
    weights = {language: _weight(language, words, text) for language in _WORDS}
    (best, most), (_, next_most) = Counter(weights).most_common(2)
    return best if most >= _SURE and most >= _AHEAD * next_most else ""


def _weight(language: str, words: list[str], text: str) -> float:
    small = sum(1 / _SHARED_BY[word] for word in words if word in _WORDS[language])
    letters = sum(text.count(letter) for letter in _LETTERS.get(language, ""))
    return small + _LETTER_WEIGHT * min(letters, _MOST_LETTERS)
