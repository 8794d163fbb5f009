SELECT to_regclass('serving.predictions') IS NOT NULL
