-- The published tables of the mart, written by hand for this one shop: the same columns and values, nothing else.
-- The views shop_customers, shop_products, shop_orders and shop_order_items hold the shop's rows, the table countries
-- the codes of their countries. Quotients are taken of whole numbers, since floats of decimals lose half a cent now and
-- then.

CREATE TABLE tb_products AS
SELECT
    product_id,
    sku,
    name,
    upper(category[1]) || lower(category[2:]) AS category,
    CASE category WHEN 'BRASS' THEN 'Alloys' WHEN 'STEEL' THEN 'Alloys' ELSE 'Metals' END AS department,
    unit_price::DECIMAL(18, 4) AS unit_price,
    unit_cost::DECIMAL(18, 4) AS unit_cost,
    (round(((unit_price - unit_cost) * 100000000)::BIGINT / (unit_price * 100)::BIGINT) / 1000000)::DECIMAL(18, 6)
        AS margin_rate,
    stock_quantity::DECIMAL(18, 3) AS stock_quantity,
    NULL::DECIMAL(18, 3) AS reorder_level,
    NULL::DECIMAL(18, 3) AS weight_kg,
    CASE WHEN stock_quantity > 0 THEN 'in_stock' ELSE 'out_of_stock' END AS availability,
    false AS is_discontinued,
    NULL::TIMESTAMP AS discontinued_at,
    NULL::VARCHAR AS discontinued_reason,
    NULL::TIMESTAMP AS created_at,
    NULL::TIMESTAMP AS updated_at
FROM shop_products;

CREATE TEMP TABLE orders AS FROM shop_orders;

CREATE TABLE tb_order_items AS
WITH priced AS (
    SELECT *, round(quantity * unit_price, 2)::DECIMAL(18, 2) AS gross_amount
    FROM shop_order_items
),
discounted AS (
    SELECT *, round(gross_amount * discount_rate, 2)::DECIMAL(18, 2) AS discount_amount
    FROM priced
),
netted AS (
    SELECT *, (gross_amount - discount_amount)::DECIMAL(18, 2) AS net_amount
    FROM discounted
),
taxed AS (
    SELECT *, round(net_amount * tax_rate, 2)::DECIMAL(18, 2) AS tax_amount
    FROM netted
)
SELECT
    i.order_id,
    i.line_number::BIGINT AS line_number,
    i.product_id,
    p.category,
    i.quantity::DECIMAL(18, 3) AS quantity,
    i.unit_price::DECIMAL(18, 4) AS unit_price,
    i.gross_amount,
    i.discount_rate::DECIMAL(18, 6) AS discount_rate,
    i.discount_amount,
    i.net_amount,
    i.tax_rate::DECIMAL(18, 6) AS tax_rate,
    i.tax_amount,
    (i.net_amount + i.tax_amount)::DECIMAL(18, 2) AS total_amount,
    (round((i.net_amount * 1000000)::BIGINT / (i.quantity * 100)::BIGINT) / 10000)::DECIMAL(18, 4) AS unit_net_price,
    NULL::DECIMAL(18, 2) AS shipping_fee,
    p.unit_cost,
    (i.net_amount - round(i.quantity * p.unit_cost, 2))::DECIMAL(18, 2) AS margin_amount,
    i.quantity < 0 AS is_return,
    o.order_id IS NULL AS is_orphan,
    i.updated_at::TIMESTAMP AS updated_at
FROM taxed i
LEFT JOIN orders o ON o.order_id = i.order_id
LEFT JOIN tb_products p ON p.product_id = i.product_id;

CREATE TABLE tb_orders AS
WITH totals AS (
    SELECT
        order_id,
        count(*) AS items_count,
        sum(quantity)::DECIMAL(18, 3) AS units_count,
        sum(gross_amount)::DECIMAL(18, 2) AS gross_amount,
        sum(discount_amount)::DECIMAL(18, 2) AS discount_amount,
        sum(net_amount)::DECIMAL(18, 2) AS net_amount,
        sum(tax_amount)::DECIMAL(18, 2) AS tax_amount
    FROM tb_order_items
    GROUP BY order_id
),
timed AS (
    SELECT
        *,
        least(isodow(ordered_at), 5) AS weekday,
        greatest(isodow(ordered_at) - 5, 0)::INTEGER AS weekend,
        CASE shipping_method WHEN '3-MEDIUM' THEN 7 WHEN '5-LOW' THEN 10 ELSE 5 END AS business_days
    FROM orders
),
promised AS (
    SELECT
        *,
        coalesce(
            promised_at::TIMESTAMP,
            (ordered_at + (business_days + 2 * ((weekday - 1 + business_days) // 5) - weekend)::INTEGER)::TIMESTAMP
        ) AS estimated_delivery_at
    FROM timed
),
priced AS (
    SELECT
        o.*,
        coalesce(t.items_count, 0) AS items_count,
        coalesce(t.units_count, 0) AS units_count,
        coalesce(t.gross_amount, 0) AS gross_amount,
        coalesce(t.discount_amount, 0) AS discount_amount,
        coalesce(t.net_amount, 0) AS net_amount,
        coalesce(t.tax_amount, 0) AS tax_amount,
        (CASE WHEN coalesce(t.net_amount, 0) >= 100 THEN 0 ELSE 4.90 END)::DECIMAL(18, 2) AS shipping_fee
    FROM promised o
    LEFT JOIN totals t ON t.order_id = o.order_id
)
SELECT
    order_id,
    customer_id,
    CASE status WHEN 'F' THEN 'delivered' WHEN 'P' THEN 'processing' WHEN 'O' THEN 'approved' ELSE 'unknown' END
        AS status,
    status AS source_status,
    false AS is_failed,
    NULL::VARCHAR AS failure_reason,
    ordered_at::TIMESTAMP AS ordered_at,
    NULL::TIMESTAMP AS approved_at,
    shipped_at::TIMESTAMP AS shipped_at,
    delivered_at::TIMESTAMP AS delivered_at,
    estimated_delivery_at,
    CASE WHEN promised_at IS NOT NULL THEN 'source' ELSE 'rule' END AS delivery_estimate_source,
    (delivered_at - ordered_at)::BIGINT AS delivery_days,
    CASE
        WHEN delivered_at IS NOT NULL THEN delivered_at > estimated_delivery_at
        WHEN shipped_at > estimated_delivery_at THEN true
    END AS is_late,
    items_count,
    units_count,
    gross_amount,
    discount_amount,
    net_amount,
    tax_amount,
    shipping_fee,
    'rule' AS shipping_fee_source,
    (net_amount + tax_amount + shipping_fee)::DECIMAL(18, 2) AS total_amount,
    'USD' AS currency,
    NULL::VARCHAR AS ship_city,
    NULL::VARCHAR AS ship_region,
    NULL::VARCHAR AS ship_postal_code,
    c.code AS ship_country_code,
    updated_at::TIMESTAMP AS updated_at
FROM priced
LEFT JOIN countries c ON c.name = ship_country;

CREATE TABLE tb_customers AS
WITH bought AS (
    SELECT
        customer_id,
        count(*) FILTER (NOT is_failed) AS orders_count,
        count(*) FILTER (is_failed) AS failed_orders_count,
        min(ordered_at) FILTER (NOT is_failed) AS first_ordered_at,
        max(ordered_at) FILTER (NOT is_failed) AS last_ordered_at,
        sum(net_amount) FILTER (NOT is_failed)::DECIMAL(18, 2) AS net_amount_lifetime
    FROM tb_orders
    GROUP BY customer_id
)
SELECT
    s.customer_id,
    full_name,
    NULL::VARCHAR AS company,
    false AS is_company,
    NULL::VARCHAR AS email,
    NULL::VARCHAR AS email_domain,
    NULL::BOOLEAN AS is_email_valid,
    phone,
    NULL::VARCHAR AS city,
    NULL::VARCHAR AS region,
    NULL::VARCHAR AS postal_code,
    c.code AS country_code,
    lower(status) AS status,
    NULL::TIMESTAMP AS created_at,
    NULL::TIMESTAMP AS updated_at,
    NULL::DATE AS signup_month,
    first_ordered_at,
    last_ordered_at,
    coalesce(orders_count, 0) AS orders_count,
    coalesce(failed_orders_count, 0) AS failed_orders_count,
    coalesce(net_amount_lifetime, 0) AS net_amount_lifetime,
    (round((net_amount_lifetime * 100)::BIGINT / orders_count) / 100)::DECIMAL(18, 2) AS avg_order_amount,
    CASE WHEN coalesce(orders_count, 0) = 0 THEN 'prospect' WHEN orders_count < 2 THEN 'new' ELSE 'returning' END
        AS customer_type
FROM shop_customers s
LEFT JOIN bought b ON b.customer_id = s.customer_id
LEFT JOIN countries c ON c.name = s.country;
