-- A row for each customer and month until they leave; made under a draft's name.
CREATE TABLE {draft} (
    customer_id bigint NOT NULL,
    age smallint NOT NULL,
    gender text NOT NULL,
    tenure_months integer NOT NULL,
    total_purchases integer NOT NULL,
    avg_order_value double precision,  -- NULL before the first purchase
    days_since_last_purchase integer NOT NULL,
    support_tickets_count smallint NOT NULL,
    churn smallint NOT NULL CHECK (churn IN (0, 1)),
    observed_at timestamptz NOT NULL
)
