SELECT *
FROM shop.customers
