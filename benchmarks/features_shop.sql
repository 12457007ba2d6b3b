-- Published tables of a shop of {customers} customers, four orders and ten lines each, as a function of the number alone.
CREATE TABLE tb_customers AS
SELECT
    number AS customer_id,
    TIMESTAMP '2023-01-01' + to_seconds(CAST(hash(number, 1) % 77760000 AS BIGINT)) AS created_at,
    CAST(date_trunc('month', created_at) AS DATE) AS signup_month,
    ['DE', 'FR', 'GB', 'US'][CAST(1 + hash(number, 2) % 4 AS INTEGER)] AS country_code
FROM range({customers}) AS shop (number);

CREATE TABLE tb_orders AS
SELECT
    number AS order_id,
    customer_id,
    ['cancelled', 'returned', 'failed', 'delivered'][CAST(1 + least(hash(number, 3) % 20, 3) AS INTEGER)] AS status,
    status IN ('cancelled', 'failed') AS is_failed,
    created_at + to_seconds(CAST(hash(number, 4) % 77760000 AS BIGINT)) AS ordered_at,
    CASE WHEN NOT is_failed THEN ordered_at + INTERVAL 4 DAYS END AS delivered_at,
    CASE WHEN NOT is_failed THEN hash(number, 5) % 8 = 0 END AS is_late,
    CAST(1 + hash(number, 6) % 4 AS BIGINT) AS items_count,
    CAST(items_count * 2 AS DECIMAL(18, 3)) AS units_count,
    CAST(hash(number, 7) % 20000 AS DECIMAL(18, 2)) * 0.01 AS amount,
    CAST(amount AS DECIMAL(18, 2)) AS net_amount,
    CAST(hash(number, 8) % 5 AS DECIMAL(18, 2)) AS discount_amount
FROM (
    SELECT number, CAST(floor(pow(hash(number, 9) % 1000003 / 1000003, 1.6) * {customers}) AS BIGINT) AS customer_id
    FROM range(4 * {customers}) AS orders (number)
) AS drawn
JOIN tb_customers USING (customer_id);

CREATE TABLE tb_products AS
SELECT
    number AS product_id,
    'Category ' || number % 12 AS category,
    'Department ' || number % 3 AS department,
    FALSE AS is_discontinued,
    CAST(NULL AS TIMESTAMP) AS discontinued_at
FROM range(5000) AS shop (number);

CREATE TABLE tb_order_items AS
SELECT
    order_id,
    line AS line_number,
    CAST(hash(order_id, line) % 5000 AS BIGINT) AS product_id,
    'Category ' || product_id % 12 AS category,
    CAST(2 AS DECIMAL(18, 3)) AS quantity,
    CAST(net_amount / items_count AS DECIMAL(18, 2)) AS net_amount,
    FALSE AS is_return
FROM tb_orders, range(items_count) AS lines (line);
