SELECT
    customer_id,
    contact_name AS full_name,
    company_name AS company,
    phone,
    city,
    region,
    postal_code,
    country
FROM customers
