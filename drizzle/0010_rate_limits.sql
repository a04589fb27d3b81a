CREATE TABLE "rate_limits" (
	"key" text NOT NULL,
	"taken" integer NOT NULL,
	"is_exceeded" boolean NOT NULL,
	"ends_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "rate_limits_pkey" PRIMARY KEY("key")
);
--> statement-breakpoint
CREATE INDEX "rate_limits_end_idx" ON "rate_limits" USING btree ("ends_at");