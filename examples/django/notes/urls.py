from channels_yroom.proxy import DataUnavailable, YroomDocument
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path


def note(request, note):
    return render(request, "note.html", {"note": note})


async def exported(request, note):
    try:
        text = await YroomDocument("note." + note).export_xml_fragment("prosemirror")
    except DataUnavailable:
        text = ""
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


urlpatterns = [path("<slug:note>/", note), path("<slug:note>/export", exported)]
