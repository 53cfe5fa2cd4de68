# SPDX-License-Identifier: Apache-2.0
"""What counts as personal data and what does not. The numbers are made up, or published as examples of their kind."""

import random
from collections.abc import Callable

import pytest

from freehold.policy.detect.identifiers import kind_in

EMAILS = [
    "Write to alice@example.fr, please.",
    "mailto:a.b+invoices@sub.example.co.uk?subject=hi",
    "Kontakt: jörg.müller@bücher.example",
    '{"from": "o\'neil_7@example.org"}',
    "<x-1@example.museum>",
    "Bob <bob@example.com>; git@github.com:org/repo.git",
]
PHONES = [
    # of ten countries, as they are written abroad and at home
    "+33 1 42 68 53 00",
    "Appelez-nous au 01 42 68 53 00 avant midi.",
    "01.42.68.53.00",
    "+49 30 901820",
    "Tel.: 030 901820",
    "Büro (030) 901820",
    "0171/1234567 ab neun",
    "+39 06 6982 1234",
    "cellulare 347 123 4567",
    "+34 915 55 55 55",
    "teléfono: 915 55 55 55",
    "+31 20 555 0123",
    "telefoon 06-12345678",
    "+48 22 555 01 23",
    "telefon 512 345 678",
    "+32 470 12 34 56",
    "gsm 0470 12 34 56",
    "+46 8 123 456 78",
    "mobilnummer 070-123 45 67",
    "+351 912 345 678",
    "telefone 912 345 678",
    "+45 32 12 34 56",
    "tlf. 32 12 34 56",
    # and elsewhere
    "0049 30 901820",
    "+44 (0)20 7946 0958",
    "call 020 7946 0958",
    "+1 (212) 555-2368",
    "tel:+33142685300",
    "+33\u202f1\u202f42\u202f68\u202f53\u202f00",
    "+49\u00a030\u2011901820",
    '"phone": "0612345678"',
    "mobile_number: 07400 123456",
]
IBANS = [
    "DE89 3704 0044 0532 0130 00",
    "IBAN: FR1420041010050500013M02606.",
    "gb82-west-1234-5698-7654-32",
    "NL91ABNA0417164300 and thanks",
    "Pay ES91 2100 0418 4502 0005 1332 EUR 100",
    "IT60X0542811101000000123456",
    "PL61109010140000071219812874",
    "BE68 5390 0754 7034",
]
CARDS = [
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "5555555555554444,",
    "2223003122003222",
    "3782 822463 10005",
    "30569309025904",
    "6011111111111117",
    "on 2024-05-01 4111111111111111 was charged",
    "ref 1234 4111 1111 1111 1111",
]
NATIONAL_IDS = [
    "Meine Steuer-ID ist 86095742719.",
    '{"tax_id": "86 095 742 719"}',
    "1 85 05 78 006 084 91",
    "n° 185057800608491",
    "RSSMRA85T10A562S",
    "codice rss mra 85t10 a562s",
    "DNI 12345678Z",
    "12.345.678-Z",
    "X1234567L",
    "BSN: 111222333",
    "burgerservicenummer 1112.22.333",
    "PESEL\n44051401359",
    "131052-308T",
    "811228-9874",
    "756.9217.0769.85",
    "93.05.18-223.61",
    "rodné číslo 7103192745",
    "710319/2745",
    "Meine Steueridentifikationsnummer lautet 86095742719.",
    "user_pesel: 44051401359",
    "SVNr 1237 010180",
    "Rijksregisternummer: 85073003328",
    "ЕГН 7523169263",
    "CPR-nr. 211062-5629",
    "isikukood 36805280109",
    "NHS number 943 476 5870",
    "ΑΜΚΑ 01013099997",  # noqa: RUF001 - it is Greek
    "mi DNI es 12345678 z",
    "OIB 33392005961",
    "PPS number: 6433435FT",
    "kennitala 120174-3399",
    "asmens kodas 33309240064",
    "personas kods 161175-19997",
    "fødselsnummer 15108695088",
    "CNP 1630615123457",
    "EMŠO 0101006500006",
    "00000000 0 ZZ4",
    "personnummer 198803200016",
]
IP_ADDRESSES = [
    "92.184.105.10 logged in",
    "from=203.0.113.7.",
    "http://92.184.105.10:8080/",
    "http://92.184.105.10/index.html",
    "2a01:cb00:1234::1",
    "[2001:db8:85a3:0:0:8a2e:370:7334]",
]
NOTHING = [
    # prose with numbers, dates, times, prices, sizes
    "On 12 March 2026 at 14:30 the committee read order 4711-22 over EUR 1.234.567,89 (2 % off 1,259,763.15).",
    "Am 01.02.2024 12:00 waren es 123 456 789 Stück, 20240131120000 und 08:00 - 15:30 Uhr; 0800-1500 Uhr auch.",
    "ISBN 978-3-16-148410-0, ISBN 0-306-40615-2, ISSN 0378-5955, EAN 4006381333931, 10.1038/s41586-020-2649-2",
    "48.858370, 2.294481; -33.856784; 0.4111111111111111; 6.02214076e23; 1/3; 3 x 4 x 12345; 5+3=8; a +1234567",
    "Room 0815, building 4711, Boston, MA 02111-1307, 10115 Berlin, case 2024/0012345, FAR 52.212-4",
    "0 1 1 2 3 5 8 13 21 34 55 89 144 233 377 610 987 1597 2584 4181 6765 10946 17711 28657 46368",
    "The phone case costs 12,99; the mobile app counts 1500 users; tell me about cell 12; fax machines of 1985",
    # code
    "git@github.com:org/repo.git postgres://user:word@db.example.com/x lodash@4.17.21 actions/checkout@v4.1.x",
    "@app.route('/x') icon@2x.png getty@tty1.service user@1000.service name@1.2.3-rc.alpha a@b @dataclass",
    "x = 1000000007 * 998244353 % 0xdeadbeef; timeout=3600; 1717171717171; 1717171717; -1234567890; +0200",
    "std::vector<fa::be>; a::b::c; 12:30:45; 00:1a:2b:3c:4d:5e; 2024-05-01T12:30:45.123456+02:00; [::1]:8080",
    "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f  |................|",
    "0399 0308 0301; ANSI 0;31; chmod 0644 0755; 0012 0034 0056; U+0069 U+0307",
    "version 10.0.19041.1, v5.10.0.34, ==1.26.4.88, 1.2.3.4, OID 2.5.29.37 and 1.3.6.1.4.1.311, RFC 5321 4.5.3.1.1",
    "127.0.0.1:8080 10.1.2.3 192.168.1.10 172.16.0.9 169.254.1.1 224.0.0.251 0.0.0.0 92.184.105.0/24 999.1.1.1",
    "fe80::1 ::1 fd00::1 ff02::1 2001:zz 2024:05:01",
    # identifiers of things
    "550e8400-e29b-41d4-a716-446655440000 00000000-0000-4000-8000-000000000000 call_0123456789012345",
    "d41d8cd98f00b204e9800998ecf8427e da39a3ee5e6b4b0d3255bfef95601890afd80709 833b8e9 sha256:" + "0123456789" * 6,
    "ORD-00012345 SKU 123456-7890 SN 12345678A AB12CD34EF56 0612345678 12345678901 44051401359 111222333 86095742719",
    # what is nearly a number of a person
    "DE89 3704 0044 0532 0130 01",
    "GB82 WEST 1234 5698 7654 33",
    "DE8937040044053201300",
    "DE893704004405320130001",
    "4111 1111 1111 1112",
    "0000 0000 0000 0000, 9999 9999 9999 9995 and 1234567890123456",
    "4111 1111-1111 1111",
    "RSSMRA85T10A562T",
    "12345678A",
    "20240108 A meeting, 12345678 Z",
    "X1234567A",
    "1 85 05 78 006 084 92",
    "1 85 13 78 006 084 91",
    "PESEL 44051401358",
    "rabsn 111222333 bsnx 111222333 and the cost of 111222333 was normal",
    "BSN 111222334",
    "Steuer-ID 86095742718",
    "absnormal 111222333",
    "131352-308T",
    "tel. 123",
    "+33 1 42",
    "+999 123 456 789",
]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *(("email", text) for text in EMAILS),
        *(("phone", text) for text in PHONES),
        *(("iban", text) for text in IBANS),
        *(("card", text) for text in CARDS),
        *(("national-id", text) for text in NATIONAL_IDS),
        *(("ip-address", text) for text in IP_ADDRESSES),
    ],
)
def test_what_leads_to_a_person_is_found(kind: str, text: str) -> None:
    assert kind_in(text) == kind
    assert kind_in(f"Once upon a time.\n\n  - {text}\nThe end of it.") == kind


@pytest.mark.parametrize("text", NOTHING)
def test_what_leads_to_nobody_is_left_alone(text: str) -> None:
    assert kind_in(text) == ""


_RANDOM = random.Random(20261122)  # noqa: S311 - the same ones every time


def _digits(count: int) -> str:
    return "".join(_RANDOM.choices("0123456789", k=count))


@pytest.mark.parametrize(
    ("made", "most_in_a_thousand"),
    [
        *((lambda count=count: _digits(count), 0) for count in range(6, 13)),
        (lambda: _digits(13), 1),
        (lambda: _digits(16), 40),  # one in ten that could be a card's is one by its check digit
        (lambda: f"{_RANDOM.randrange(10**9):,}", 0),
        (lambda: f"{_digits(4)}-{_digits(4)}", 0),
        (lambda: f"{_RANDOM.randrange(10**9):,}".replace(",", " "), 0),
        (lambda: f"{_RANDOM.random()}", 0),
        (lambda: f"{_RANDOM.getrandbits(160):040x}", 0),
        (lambda: "".join(_RANDOM.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=12)), 0),
    ],
)
def test_random_numbers_are_hardly_ever_taken_for_a_persons(made: Callable[[], str], most_in_a_thousand: int) -> None:
    found = sum(kind_in(f"Item {made()} is due.") != "" for _ in range(1000))
    assert found <= most_in_a_thousand


def test_a_number_that_many_things_could_be_counts_where_its_name_is_said_anywhere() -> None:
    assert kind_in("name;city;pesel\n" + "x;y;1\n" * 500 + "Ala;Gdynia;44051401359") == "national-id"
    assert kind_in("name;city;amount\n" + "x;y;1\n" * 500 + "Ala;Gdynia;44051401359") == ""
