"""The whole message of tests, as JSON: what differs between them is passed by name."""

from typing import Any

from support.gauge import ago


def in_hours(hours: float) -> str:
    return ago(-60 * hours)


def text(language: str, **changed: str) -> dict[str, Any]:
    french = language == "fr-CA"
    return {
        "language": language, "event": "inondation" if french else "flood",
        "headline": "Quittez les berges de la Bow" if french else "Leave the banks of the Bow",
        "description": "La rivière monte." if french else "The river is rising.",
        "instruction": "Montez plus haut." if french else "Go to higher ground.", **changed,
    }


def retraction(language: str) -> dict[str, Any]:
    french = language == "fr-CA"
    return text(language, headline="Alerte annulée" if french else "Alert cancelled",
                description="C'était une erreur." if french else "It was a mistake.",
                instruction="Rien à faire." if french else "Nothing to do.")


def area(**changed: Any) -> dict[str, Any]:
    return {"descriptions": {"fr-CA": "le long de la Bow", "en-CA": "along the Bow"},
            "polygons": ["51.0,-114.2 51.1,-114.2 51.1,-114.0 51.0,-114.0 51.0,-114.2"],
            **changed}


def draft(**changed: Any) -> dict[str, Any]:
    return {
        "title": "Bow in flood", "status": "STATUS_ACTUAL", "category": "CATEGORY_MET",
        "urgency": "URGENCY_IMMEDIATE", "severity": "SEVERITY_SEVERE",
        "certainty": "CERTAINTY_OBSERVED", "expires": in_hours(12), "areas": [area()],
        "agencies": ["city"], "texts": [text("fr-CA"), text("en-CA")],
        "retraction": [retraction("fr-CA"), retraction("en-CA")], **changed,
    }
