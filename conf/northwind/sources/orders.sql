SELECT
    o.order_id,
    o.customer_id,
    CASE WHEN o.shipped_date IS NULL THEN 'processing' ELSE 'shipped' END AS status, -- there is none: the dates tell
    o.order_date AS ordered_at,
    o.shipped_date AS shipped_at,
    o.required_date AS promised_at,
    o.freight::text::numeric AS shipping_fee,
    s.company_name AS shipping_method,
    o.ship_city,
    o.ship_region,
    o.ship_postal_code,
    o.ship_country
FROM orders AS o
LEFT JOIN shippers AS s ON s.shipper_id = o.ship_via
