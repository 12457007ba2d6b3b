SELECT
    p.product_id,
    p.product_name AS name,
    c.category_name AS category,
    p.unit_price::text::numeric AS unit_price, -- stored as real: its text is the price that was typed
    p.units_in_stock AS stock_quantity,
    p.reorder_level,
    p.discontinued
FROM products AS p
LEFT JOIN categories AS c USING (category_id)
