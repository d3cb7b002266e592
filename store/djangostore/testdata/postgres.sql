CREATE TABLE "channels_yroom_ydocupdate" ("name" varchar(255) NOT NULL PRIMARY KEY, "timestamp" timestamp with time zone NOT NULL, "data" bytea NOT NULL);
CREATE INDEX "channels_yroom_ydocupdate_name_f20fdd30_like" ON "channels_yroom_ydocupdate" ("name" varchar_pattern_ops);
