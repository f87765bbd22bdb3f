"""Words and templates of sentences of the made-up news, all written for this project.

A `Kind` of event has words for its slots, and templates of the news in a document, of its reason, and of the
headline. Headlines are terse and in the present tense; documents are neither, and they hide the news among
times, quotes and background about other places and people.
"""

from __future__ import annotations

from dataclasses import dataclass

FIRST_NAMES = (
    "Anna Boris Carla Daniel Elena Felix Greta Hugo Irene Jonas Karin Leon Maria Nils Olga Pavel "
    "Rosa Stefan Teresa Viktor Wanda Yusuf Zoe Amir Bianca Cyril Dora Emil Farah Gustav Hana Ivan "
    "Julia Kofi Lena Marco Nadia Oscar Priya Ravi Sofia Tomas Uma Vera Walter Ximena Yara Zeno"
).split()
LAST_NAMES = (
    "Alder Berg Castro Dahl Ekman Fontaine Garcia Hansen Ilves Jansen Kovac Lindqvist Moreau Novak "
    "Okafor Petrov Quist Romano Silva Tanaka Urban Vogel Weber Xu Yilmaz Zeman Abbott Brandt Costa "
    "Duarte Eriksen Fischer Greco Holm Ibarra Jovic Keller Larsen Mendes Nagy Olsen Pereira Rossi "
    "Sato Torres Ulrich Varga Winter Young Zhou"
).split()
PLACES = (
    "Porto Lyon Bergen Gdansk Turin Malmo Leeds Utrecht Graz Ghent Seville Tampere Aarhus Bremen "
    "Cork Debrecen Basel Nantes Verona Split Varna Riga Tartu Kaunas Linz Brno Lodz Bilbao Murcia "
    "Parma Trieste Haifa Izmir Patras Cluj Odessa Kazan Perth Hobart Quebec Halifax Denver Omaha "
    "Tulsa Boise Salem Mobile Lima Cusco Quito Natal Recife Rosario Cordoba Durban Accra Lagos "
    "Nairobi Mombasa Rabat Tunis Cairo Aden Muscat Doha Pune Surat Madurai Dhaka Hanoi Cebu Davao "
    "Osaka Kobe Busan Ulsan Wuhan Dalian Penang"
).split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
TIMES = (
    "early in the morning",
    "shortly before noon",
    "in the afternoon",
    "late in the evening",
    "after a long night",
    "at the start of the week",
)
NUMBERS = "12 15 18 20 25 30 35 40 45 50 60 70 80 90 120 150 200 240 300 400 500 600 800".split()

OPENERS = (
    "On {day} in {place}, officials said that {news}.",
    "{Time} on {day}, people in {place} learned that {news}.",
    "It was raining in {place} on {day} when word came that {news}.",
    "After weeks of talk, it was confirmed in {place} on {day} that {news}.",
    "{first} {last}, a spokesperson in {place}, told reporters {time} on {day} that {news}.",
    "According to a statement seen on {day} in {place}, {news}.",
    "{News}, officials in {place} said on {day}.",
    "{News}, it was announced in {place} on {day}.",
    "{News}, {place} radio reported on {day}.",
)
BACKGROUNDS = (
    "Last year a similar case in {other} had drawn wide attention.",
    "In {other}, a town of about {number} thousand, people had followed the matter closely.",
    "{first} {last}, who once lived in {other}, wrote a book about such things.",
    "The weather in {other} stayed calm for most of the week.",
    "A meeting planned in {other} for {day} was put off without a word.",
    "Only {number} people came to a gathering on the subject in {other}.",
)
QUOTES = (
    '"We did not expect this," said {first} {last}, who lives nearby.',
    '"It has been a long week for all of us," said {first} {last} of {other}.',
    '"Everybody here is talking about it," a visitor from {other} told a local paper.',
    '"There was no other way," {first} {last} told the press.',
)


@dataclass(frozen=True)
class Kind:
    """One kind of event.

    Attributes:
        slots: Words for each slot, separated by bars.
        news: Templates of clauses after "said that"; ``{place}`` is the place of the event.
        reason: Templates of sentences that give a reason or a figure.
        headline: Templates of the headline.
    """

    slots: dict[str, str]
    news: tuple[str, ...]
    reason: tuple[str, ...]
    headline: tuple[str, ...]


KINDS = (
    Kind(
        slots={
            "object": (
                "harbour bridge | old library | central market | swimming pool | tram depot | city "
                "theatre | river tunnel | sports hall"
            ),
            "reason": "cracks | mould | flooding | asbestos | falling plaster | rust",
        },
        news=(
            "the {object} would be closed by the council because of {reason}",
            "{reason} had led the council to shut the {object} for {number} days",
            "the council would let no one enter the {object} on account of {reason}",
        ),
        reason=(
            "Inspectors had seen it coming for {number} months.",
            "A cleaner was the first to notice.",
        ),
        headline=(
            "{place} council to close {object} over {reason}",
            "{place} to shut {object} after {reason} found",
        ),
    ),
    Kind(
        slots={
            "company": (
                "Norvik | Altera | Brightsea | Cobalt | Dunmore | Everline | Fairstone | Galvani | Helix"
            ),
            "object": (
                "battery plant | shoe factory | data centre | paper mill | steel mill | toy factory | "
                "glass factory"
            ),
        },
        news=(
            "the {object} of {company} had been opened with {number} new jobs",
            "{company} had started work at a {object} that will employ {number} people",
            "after two years of building, a {object} belonging to {company} was running at last",
        ),
        reason=(
            "About {number} people have been hired so far.",
            "The firm received more applications than it had hoped for.",
        ),
        headline=(
            "{company} opens {object} in {place}",
            "New {object} of {company} starts work in {place}",
        ),
    ),
    Kind(
        slots={
            "object": (
                "roofs | school buses | fishing boats | vineyards | greenhouses | power lines | railway "
                "tracks | apple orchards"
            ),
            "storm": "storm | hailstorm | flood | landslide | tornado",
        },
        news=(
            "{object} had been destroyed by a {storm} within minutes",
            "a {storm} had passed over the region and damaged {object}",
            "the {storm} of the night had left many {object} broken",
        ),
        reason=(
            "The damage is put at {number} million, and clearing up will take weeks.",
            "Nobody was hurt, but {number} homes were without light.",
        ),
        headline=(
            "{Storm} damages {object} near {place}",
            "{Storm} hits {place}, {object} destroyed",
        ),
    ),
    Kind(
        slots={
            "team": "Rovers | Falcons | Lions | Mariners | Hornets | Wolves | Comets | Tigers",
            "rival": "Bears | Eagles | Pirates | Sharks | Giants | Knights | Bulls | Ravens",
            "object": "cup final | derby | season opener | semi-final | friendly match",
        },
        news=(
            "the {rival} had been beaten by the {team} in the {object}",
            "the {team} had won the {object} against the {rival} in front of {number} thousand fans",
            "the {object} had ended with a defeat of the {rival}, the {team} scoring late",
        ),
        reason=(
            "The winning goal fell in the last minute.",
            "Some {number} fans were kept out by the police.",
        ),
        headline=(
            "{team} beat {rival} in {place} {object}",
            "{team} win {object} against {rival} in {place}",
        ),
    ),
    Kind(
        slots={
            "object": (
                "bronze masks | silent films | antique clocks | old maps | stone tools | royal carpets | "
                "early photographs"
            ),
            "museum": "maritime museum | city museum | folk museum | railway museum | art museum",
        },
        news=(
            "{object} from four centuries could now be seen at the {museum}",
            "the {museum} had unpacked {number} {object} that were thought lost",
            "visitors of the {museum} would be able to look at {object} until spring",
        ),
        reason=(
            "Most of the pieces come from a private collection.",
            "The show cost {number} thousand and was two years in the making.",
        ),
        headline=(
            "{place} {museum} shows {object}",
            "{Object} on show at {place} {museum}",
        ),
    ),
    Kind(
        slots={
            "company": (
                "Kestrel Bank | Orion Foods | Pharos Energy | Quanta Telecom | Redwood Air | Sterling "
                "Motors | Titan Cement"
            ),
            "reason": "false labels | hidden fees | unpaid taxes | dirty water | price fixing | leaked data",
        },
        news=(
            "{company} would have to pay {number} million because of {reason}",
            "a judge had ordered {company} to hand over {number} million, {reason} having been proved",
            "the court had found {company} guilty in a case about {reason}",
        ),
        reason=(
            "Lawyers of the firm want to appeal.",
            "The case had been heard for {number} days.",
        ),
        headline=(
            "Court fines {company} over {reason} in {place}",
            "{company} fined by {place} court for {reason}",
        ),
    ),
    Kind(
        slots={
            "workers": (
                "dock workers | bus drivers | nurses | bakers | pilots | teachers | street cleaners | postmen"
            ),
            "reason": "low pay | long shifts | job cuts | unsafe tools | unpaid hours",
        },
        news=(
            "{workers} had laid down their work because of {reason}",
            "no {workers} had come to work, their union being angry about {reason}",
            "a walkout of {number} {workers} had begun over {reason}",
        ),
        reason=(
            "Talks between the two sides broke down after {number} hours.",
            "The union did not say how long it would go on.",
        ),
        headline=(
            "{Workers} strike in {place} over {reason}",
            "{place} {workers} walk out over {reason}",
        ),
    ),
    Kind(
        slots={
            "object": (
                "blind crab | dinosaur egg | bronze sword | giant orchid | glowing fungus | ancient canoe "
                "| dwarf owl"
            ),
            "site": "cave | lake | quarry | forest | swamp | crater",
        },
        news=(
            "a {object} had been found by scientists in a {site}",
            "scientists working in a {site} had come upon a {object}",
            "what lay in the {site} was a {object}, as scientists had hoped",
        ),
        reason=(
            "It is thought to be the first of its kind in {number} years.",
            "The team of {number} had searched since summer.",
        ),
        headline=(
            "Scientists find {object} in {place} {site}",
            "{Object} discovered in {site} near {place}",
        ),
    ),
    Kind(
        slots={
            "role": (
                "mayor | police chief | school head | bishop | harbour master | opera director | club "
                "president"
            ),
            "reason": (
                "health problem | spending row | secret loan | family matter | lost vote | leaked letter"
            ),
        },
        news=(
            "{who} would no longer be {role}, a {reason} having become too much",
            "the {role}, {who}, had stepped down because of a {reason}",
            "{who} had handed in a letter as {role} that spoke of a {reason}",
        ),
        reason=(
            "A successor is to be chosen within {number} days.",
            "The office had been held for {number} months.",
        ),
        headline=(
            "{place} {role} {surname} resigns over {reason}",
            "{surname} quits as {place} {role} over {reason}",
        ),
    ),
    Kind(
        slots={
            "building": (
                "warehouse | hotel | bakery | cinema | sawmill | ferry | chemical plant | shopping centre"
            ),
            "reason": "faulty heater | lost cigarette | short circuit | firework | gas leak",
        },
        news=(
            "a {building} had burned down because of a {reason}",
            "flames had destroyed a {building}, with a {reason} as the likely cause",
            "a {reason} had set fire to a {building} while everybody slept",
        ),
        reason=(
            "It took {number} firefighters until dawn to put it out.",
            "All {number} people inside got out in time.",
        ),
        headline=(
            "Fire destroys {building} in {place} after {reason}",
            "{place} {building} burns down, {reason} blamed",
        ),
    ),
    Kind(
        slots={
            "company": "Skyline | Aerona | Blue Wing | Polar Air | Condor Lines | Meridian",
            "target": "Reykjavik | Singapore | Havana | Zanzibar | Tbilisi | Valletta | Bogota",
        },
        news=(
            "passengers could soon fly to {target} with {company}",
            "{company} would go to {target} {number} times a month",
            "a plane of {company} was to leave for {target} every week from spring",
        ),
        reason=(
            "Tickets cost from {number} and went on sale at once.",
            "The airport had waited for such a link for years.",
        ),
        headline=(
            "{company} to fly from {place} to {target}",
            "{company} adds {target} flights from {place}",
        ),
    ),
    Kind(
        slots={
            "crop": "wheat | olives | coffee | cherries | rice | grapes | potatoes | almonds",
            "reason": "drought | frost | locusts | heavy rain | blight | wild boars",
        },
        news=(
            "most of the {crop} had been lost to {reason} this season",
            "farmers would bring in far fewer {crop} than usual because of {reason}",
            "{reason} had ruined the {crop} on {number} farms",
        ),
        reason=(
            "Prices are expected to rise by {number} per cent.",
            "Help for those who lost everything was promised.",
        ),
        headline=(
            "{place} farmers lose {crop} to {reason}",
            "{Crop} near {place} lost to {reason}",
        ),
    ),
    Kind(
        slots={
            "object": (
                "solar roof | robot | school garden | weather balloon | water filter | chess program | "
                "wooden bicycle"
            ),
            "prize": "science prize | national award | gold medal | design prize",
        },
        news=(
            "a {prize} had gone to pupils who had built a {object}",
            "pupils had been given a {prize} for their {object}",
            "the {object} made by pupils was judged the best and earned a {prize}",
        ),
        reason=(
            "The jury had to choose among {number} entries.",
            "They had worked on it for {number} afternoons.",
        ),
        headline=(
            "{place} pupils win {prize} for {object}",
            "{Prize} for {object} of {place} pupils",
        ),
    ),
    Kind(
        slots={
            "animal": "bear | whale | python | moose | flamingo | kangaroo | lynx",
            "spot": "car park | playground | subway station | supermarket | golf course | church",
        },
        news=(
            "a {animal} had been caught at a {spot} by rangers",
            "rangers had needed {number} minutes to catch a {animal} that walked around a {spot}",
            "the {spot} had been emptied on account of a {animal}, which rangers later led away",
        ),
        reason=(
            "The animal is well and will be moved to a park.",
            "It may have come from a zoo {number} miles away.",
        ),
        headline=(
            "Rangers catch {animal} at {place} {spot}",
            "{Animal} caught at {spot} in {place}",
        ),
    ),
)
