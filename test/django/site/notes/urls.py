from channels_yroom.proxy import DataUnavailable, YroomDocument
from django.http import JsonResponse
from django.urls import path


async def export(request, method, room, root):
    try:
        return JsonResponse({"value": await getattr(YroomDocument(room), method)(root)})
    except DataUnavailable:
        return JsonResponse({"error": "DataUnavailable"})


urlpatterns = [path("<str:method>/<str:room>/<str:root>", export)]
