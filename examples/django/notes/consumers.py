from channels_yroom.consumer import YroomConsumer


class NoteConsumer(YroomConsumer):
    def get_room_name(self):
        return "note." + self.scope["url_route"]["kwargs"]["note"]
