SELECT
    order_id,
    row_number() OVER (PARTITION BY order_id ORDER BY product_id) AS line_number, -- a product comes once in an order
    product_id,
    quantity,
    unit_price::text::numeric AS unit_price,
    discount::text::numeric AS discount_rate,
    0 AS tax_rate -- prices are all there is to pay
FROM order_details
