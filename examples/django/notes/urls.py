import asyncio

from channels_yroom.proxy import DataUnavailable, YroomDocument
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path

from notes.access import room_access


@login_required
def note(request, note):
    return render(request, "note.html", {"note": note})


@login_required
async def exported(request, note):
    try:
        async with asyncio.timeout(10):
            text = await YroomDocument("note." + note).export_xml_fragment("prosemirror")
    except DataUnavailable:
        text = ""
    except TimeoutError:
        return HttpResponse("No worker answers.", content_type="text/plain", status=503)
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


urlpatterns = [
    path("login/", LoginView.as_view(template_name="login.html")),
    path("room-access", room_access),
    path("<slug:note>/", note),
    path("<slug:note>/export", exported),
]
