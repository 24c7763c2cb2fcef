"""Under the bonnet: the codelab's three pages about what is inside a message. They can be read by
everybody; what is live on them needs lab mode and somebody whose run it is."""

from flask import Blueprint, render_template

from app.errors import NotFound

pages = Blueprint("bonnet", __name__)

#: By the last part of their address: their names in the navigation.
TITLES = {
    "vapid": "The token",
    "encryption": "The encryption",
    "what-they-read": "What a push service reads",
}


@pages.get("/codelab/bonnet/<page>")
def bonnet(page: str) -> str:
    if page not in TITLES:
        raise NotFound("There is no such page under the bonnet.")
    return render_template(f"bonnet/{page}.html", page=page, titles=TITLES)
