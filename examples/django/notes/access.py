# What a user may do in notes. The consumer of the channel layer and the view that yroom asks
# decide by the same rule.

from urllib.parse import unquote

from django.http import HttpResponse, JsonResponse


def may_write(user):
    return user.has_perm("channels_yroom.change_ydocupdate")


def room_access(request):
    user, room = request.user, unquote(request.headers.get("X-Yroom-Room", ""))
    if not user.is_authenticated:
        return HttpResponse("Log in first.", content_type="text/plain", status=401)
    if not room.startswith("note."):
        return HttpResponse("There is no such note.", content_type="text/plain", status=404)
    access = "write" if may_write(user) else "read"
    return JsonResponse({"access": access, "user": str(user.pk), "name": user.get_username()})
