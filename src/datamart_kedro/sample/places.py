"""Where the made-up people live, what they are called, and numbers that ring nowhere.

Names are common ones, combined by chance. Telephone numbers are of ranges kept for fiction where a country has such
(DE, FR, GB, SE, US), and elsewhere of ranges that are given to nobody.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class City:
    """A city with one of its postal areas: `prefix`, so many random `digits`, `suffix`."""

    name: str
    region: str
    prefix: str
    digits: int = 0
    suffix: str = ""


@dataclass(frozen=True)
class Country:
    """A country of the shop's customers.

    Attributes:
        name: As the shop writes it.
        weight: Share of the customers.
        tax_percent: Rate of its sales tax.
        phone: Prefix of telephone numbers; two digits follow.
        first_names: In one text, with blanks between.
        last_names: In one text, with blanks between.
        company: Legal form of companies.
        cities: Most customers live in the first.
        latin: First and last names in Latin letters, where `ascii_of` cannot make them.
    """

    name: str
    weight: float
    tax_percent: int
    phone: str
    first_names: str
    last_names: str
    company: str
    cities: tuple[City, ...]
    latin: tuple[str, str] | None = None


COUNTRIES = (
    Country(
        "Germany", 0.24, 19, "+49 30 23125 0",
        "Jürgen Anna Björn Käthe Lukas Sophie Günther Lena Jörg Mia Felix Zoë",
        "Müller Schmidt Groß Weiß Köhler Becker Schäfer Vogel Krüger Lang Böhm Jäger",
        "GmbH",
        (
            City("Berlin", "Berlin", "101", 2), City("München", "Bayern", "803", 2),
            City("Dresden", "Sachsen", "010", 2), City("Köln", "Nordrhein-Westfalen", "506", 2),
            City("Halle (Saale)", "Sachsen-Anhalt", "061", 2),
        ),
    ),
    Country(
        "France", 0.14, 20, "+33 1 99 00 00 ",
        "René Chloé François Inès Loïc Manon Hugo Éléonore Noël Camille",
        "Martin Lefèvre Dubois Bérard Garçon Moreau Côté Leroy D'Arcy Benoît",
        "SARL",
        (
            City("Paris", "Île-de-France", "750", 2), City("Nice", "Provence-Alpes-Côte d'Azur", "060", 2),
            City("Bourg-en-Bresse", "Auvergne-Rhône-Alpes", "010", 2), City("Lyon", "Auvergne-Rhône-Alpes", "690", 2),
        ),
    ),
    Country(
        "United Kingdom", 0.12, 20, "+44 1632 960 0",
        "Oliver Amelia George Isla Harry Ava Siân Zoë Jack Niamh",
        "Smith Jones O'Neill Taylor Brown Wood-Hill Evans Walker Wright Green",
        "Ltd",
        (
            City("London", "Greater London", "EC1A ", 1, "BB"),
            City("Manchester", "Greater Manchester", "M1 ", 1, "AE"), City("Cardiff", "Wales", "CF10 ", 1, "AA"),
        ),
    ),
    Country(
        "Spain", 0.10, 21, "+34 000 000 0",
        "José María Núria Iñaki Lucía Begoña Álvaro Sofía Raúl Carmen",
        "García Muñoz Peña López Ibáñez Núñez Torres Vidal Castaño Ruiz",
        "S.L.",
        (
            City("Madrid", "Comunidad de Madrid", "280", 2), City("Barcelona", "Cataluña", "080", 2),
            City("Alicante", "Comunitat Valenciana", "030", 2),
        ),
    ),
    Country(
        "Italy", 0.10, 22, "+39 200 000 0",
        "Niccolò Giulia Matteo Chiara Andrea Francesca Simone Zita Elia Bianca",
        "Rossi Russo Ferrari Bianchi Conti D'Angelo Nicolò Greco Fabbri Villa",
        "S.r.l.",
        (
            City("Roma", "Lazio", "001", 2), City("Milano", "Lombardia", "201", 2),
            City("Forlì", "Emilia-Romagna", "471", 2),
        ),
    ),
    Country(
        "Poland", 0.08, 23, "+48 000 000 0",
        "Łukasz Zofia Michał Małgorzata Paweł Agnieszka Świętosław Ewa Jan Żaneta",
        "Nowak Kowalski Wiśniewski Wójcik Zieliński Błaszczyk Dąbrowski Król Żak Gołąb",
        "sp. z o.o.",
        (
            City("Warszawa", "mazowieckie", "00-0", 2), City("Łódź", "łódzkie", "90-0", 2),
            City("Kraków", "małopolskie", "30-0", 2),
        ),
    ),
    Country(
        "Sweden", 0.06, 25, "+46 8 465 004 ",
        "Åsa Björn Elin Göran Maja Sören Ebba Lars Kerstin Öjvind",
        "Andersson Öberg Åkesson Lindström Berg Sjöberg Nyström Ek Holm Ström",
        "AB",
        (
            City("Stockholm", "Stockholms län", "111 ", 2), City("Göteborg", "Västra Götalands län", "411 ", 2),
            City("Malmö", "Skåne län", "211 ", 2),
        ),
    ),
    Country(
        "United States", 0.08, 0, "+1 202 555 01",
        "James Mary Robert Linda John Ana David Susan Joseph Renée",
        "Johnson Williams Davis Peña Wilson Lee Walker Young Allen Hill",
        "Inc.",
        (
            City("Boston", "MA", "021", 2), City("New York", "NY", "100", 2), City("Newark", "NJ", "071", 2),
            City("San José", "CA", "951", 2),
        ),
    ),
    Country(
        "Brazil", 0.05, 17, "+55 10 0000-00",
        "João Conceição Luís Antônia Caio Flávia Tomás Íris Davi Lívia",
        "Silva Araújo Conceição Gonçalves Assunção Lima Rocha Guimarães Leão Pires",
        "Ltda.",
        (City("São Paulo", "SP", "01310-1", 2), City("Belém", "PA", "66010-0", 2)),
    ),
    Country(
        "Japan", 0.03, 10, "+81 00 0000 00",
        "翔太 美咲 健一 さくら 大輔 結衣",
        "佐藤 鈴木 高橋 田中 渡辺 伊藤",
        "株式会社",
        (City("東京", "東京都", "100-00", 2), City("札幌", "北海道", "060-00", 2)),
        latin=("Shota Misaki Kenichi Sakura Daisuke Yui", "Sato Suzuki Takahashi Tanaka Watanabe Ito"),
    ),
)  # fmt: skip

MAIL_DOMAINS = ("example.com", "example.org", "example.net", "mail.example.com", "post.example.org")
"""Kept for examples (RFC 2606)."""

_LETTERS = str.maketrans({"ł": "l", "Ł": "L", "ß": "ss", "'": "", "-": ""})


def ascii_of(name: str) -> str:
    """A name in lower-case ASCII letters, as people write it in an address."""
    plain = unicodedata.normalize("NFKD", name.translate(_LETTERS))
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).lower()


def latin_names(country: Country) -> tuple[list[str], list[str]]:
    """First and last names of a country as addresses have them."""
    first, last = country.latin or (country.first_names, country.last_names)
    return [ascii_of(name) for name in first.split()], [ascii_of(name) for name in last.split()]
