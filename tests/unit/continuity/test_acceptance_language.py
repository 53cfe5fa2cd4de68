# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 - other scripts are meant
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.continuity.acceptance.language import LANGUAGES, language_of, sample

SENTENCES = {
    "bg": "Столицата на Франция е Париж.",
    "cs": "Hlavní město Francie je Paříž a je to tak.",
    "da": "Kunden kan returnere produktet inden for 30 dage, men jeg ved ikke hvor.",
    "de": "Sie können das Produkt innerhalb von 30 Tagen zurückgeben.",
    "el": "Η πρωτεύουσα της Γαλλίας είναι το Παρίσι.",
    "en": "You can return the product within 30 days.",
    "es": "El cliente puede devolver el producto en un plazo de 30 días.",
    "et": "Prantsusmaa pealinn on Pariis ja see on tore.",
    "fi": "En tiedä, mutta se on hyvä.",
    "fr": "Je ne sais pas si c'est possible.",
    "ga": "Is í Páras príomhchathair na Fraince agus tá sé go hálainn.",
    "hr": "Glavni grad Francuske je Pariz, a to nije tajna.",
    "hu": "Nem tudom, hogy ez mi.",
    "it": "La capitale della Francia è Parigi.",
    "ja": "フランスの首都はパリです。",
    "lt": "Prancūzijos sostinė yra Paryžius.",
    "mt": "Il-kapitali ta' Franza hija Pariġi.",
    "nl": "De klant kan het product binnen 30 dagen retourneren.",
    "no": "Kunden kan returnere produktet innen 30 dager, men jeg vet ikke hva det er.",
    "pl": "Nie wiem, co to jest.",
    "pt": "Obrigado pela sua mensagem.",
    "ro": "Nu știu ce să spun.",
    "ru": "Столица Франции - Париж, и это не секрет.",
    "sl": "Glavno mesto Francije je Pariz in to ni skrivnost.",
    "sv": "Kunden kan returnera produkten inom 30 dagar.",
    "uk": "Столиця Франції - це Париж, і це не секрет.",
    "zh": "法国的首都是巴黎。",
}


@pytest.mark.parametrize(("language", "sentence"), SENTENCES.items(), ids=list(SENTENCES))
def test_a_sentence_is_told_by_its_small_words_or_its_script(language: str, sentence: str) -> None:
    assert language_of(sentence) == language


@pytest.mark.parametrize("text", ["", "42", "Paris", "OK.", "{}", "def f(x): return x"])
def test_too_little_is_no_language(text: str) -> None:
    assert language_of(text) == ""


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_language_has_a_sample_that_is_taken_for_it(language: str) -> None:
    assert language_of(sample(language)) == language


@given(st.text())
def test_any_text_is_in_a_known_language_or_in_none(text: str) -> None:
    assert language_of(text) in LANGUAGES | {""}
