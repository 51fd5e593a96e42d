"""The words by which HR systems name their columns, in the languages of the exports that are seen most."""

from __future__ import annotations

import re
import unicodedata

from airflow_provider_kinde.sync.spec.filters import FOLDED


def words_of(text: str) -> str:
    """Write a name as lower-case ASCII words: ``EmpID`` and ``emp_id`` are ``emp id``, ``Prénom`` is ``prenom``.

    :param text: the name of a column, or a status.
    """
    folded = unicodedata.normalize("NFKD", "".join(FOLDED.get(char, char) for char in text))
    plain = "".join(char for char in folded if not unicodedata.combining(char))
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", plain)
    return " ".join(re.sub(r"[^a-z0-9]+", " ", apart.lower()).split())


OTHER_PERSON = re.compile(
    r"manager|supervisor|boss|reports? ?to|emergency|contact person|vorgesetzt|created|modified|updated|approver|mentor"
    r"|buddy|recruiter|superior|next of kin|fuhrungskraft|przelozon|responsable|superieur|capo|jefe|gestor"
    r"|leidinggevende"
)
"""Columns about another person than that of the row."""

_PERSON = r"(employee|emp|worker|person|personnel|staff|associate|payroll|file|badge|mitarbeiter|personal|user)"
_KINDS = (
    r"(employment|employee|emp|worker|work|hr|account|current|position|job|assignment|person|record|lifecycle"
    r"|beschaftigungs|mitarbeiter|personal|anstellungs)"
)
NAMES = {
    "id": rf"{_PERSON}s? ?(id|no|nr|num|number|code|key|nummer)|empid|userid|matricule|matricola|legajo|id|uuid|guid"
    r"|employee|external id|number|(nr|numer) (ewidencyjny|pracownika|osobowy|kadrowy)"
    r"|(numero|num|n|no) (de |do |di )?(empleado|employe|salarie|funcionario|dipendente|matricule)|personeelsnummer",
    "email": r".*\be ?mail\b.*|.*mail( address)?|.*\b(courriel|correo)\b.*",
    "given": r"((legal|preferred|birth|official|primary) ?)*(name ?)?(first|given|fore) ?names?|first|given"
    r"|(ruf|vor)name|prenoms?|nombres?|imie|imiona|voornaam|nome",
    "family": r"((legal|preferred|birth|official|primary) ?)*(name ?)?(last|family|sur) ?names?|last|surname|family"
    r"|(nach|familien|zu)name|nom( de famille)?|apellidos?|nazwisko|cognome|sobrenome|achternaam",
    "name": rf"(({_PERSON}|full|display|complete|legal) ?)+names?|name|last name first name|name vorname"
    r"|nachname vorname|nom (et )?prenom|employee|worker|mitarbeiter|imie i nazwisko|nombre completo|pracownik",
    "status": rf"({_KINDS} ?)*(status|state|statut|stan|estado|stato)( zatrudnienia)?|is active|active|aktiv|situacao",
    "start": r".*\b(hire|hired|start|started|join|joined|joining|begin|entry|onboard|beginn|entree|embauche|arrivee"
    r"|ingreso|inicio|alta|assunzione|admissao)\w*\b.*|.*dateofhire.*|hiredate|.*\b(vertrags)?beginn\b.*"
    r"|.*\b(eintritt|einstell|zatrudni|rozpocz|indienst)\w*\b.*",
    "end": r".*\b(term|terminat\w*|end|ended|leave|leaving|left|exit|separat\w*|last day|offboard\w*|austritt\w*"
    r"|(vertrags)?ende|befrist\w*|sortie|depart|fin|zwolni\w*|zakoncz\w*|baja|egreso|cese|cessazione|demissao"
    r"|uitdienst\w*)\b.*|.*dateoftermination.*",
    "department": r"(home )?(department|dept|division|team|business unit|org unit|organi[sz]ation unit|abteilung"
    r"|service|unit|cost cent(er|re)|supervisory organi[sz]ation|org level \d|dzial|bereich|departamento|departement"
    r"|reparto|afdeling|kostenstelle|wydzial)( ?(name|description))?",
}
"""What a column of each kind is called, as words."""

PREFERRED = {
    "email": r"work|business|company|corporate|office|primary|geschaft|dienst|profession|sluzbow",
    "id": r"emp|worker|person|staff",
    "status": r"stat[^e]|active",
    "start": r"hire|start|eintritt|einstell|entree|zatrudni",
    "department": r"dep|abteilung",
}
AVOIDED = {
    "email": r"personal|private|home|secondary|alternate|privat|prive|prywat",
    "start": r"birth|review|last|re ?hire",
    "end": r"reason|type|proba|probe|essai|grund|motif",
    "given": r"preferred",
    "family": r"preferred",
}
NO_ACCESS_DATE = re.compile(
    r"birth|born|\bdob\b|geburt|naissance|urodz|nacim|nascita|review|modif|creat|updat|login|sign in|seniority"
    r"|effective|visa|proba|\bas of\b|report|stand|next|salary|pay"
)
"""Columns whose dates decide no access."""
