SELECT
    * EXCLUDE (ship_to),
    ship_to->>'$.city' AS ship_city,
    ship_to->>'$.region' AS ship_region,
    ship_to->>'$.postal_code' AS ship_postal_code,
    ship_to->>'$.country' AS ship_country
FROM orders
