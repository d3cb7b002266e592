CREATE TABLE "channels_yroom_ydocupdate" ("name" varchar(255) NOT NULL PRIMARY KEY, "timestamp" datetime NOT NULL, "data" BLOB NOT NULL);
